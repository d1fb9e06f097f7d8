// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong on the way leaves the process unharmed, the status true and nothing behind. */
@ExtendWith(SystemExtension.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
class FaultsIT {

    private static RedisFix fix;

    private AtlasSystem system;
    private RedisUnderPatch redis;
    private PatchCycle cycle;

    @BeforeAll
    static void buildPatch(@TempDir Path directory) throws IOException {
        fix = RedisUnderPatch.buildFix(directory);
    }

    @BeforeEach
    void startRedis(AtlasSystem running) throws IOException {
        system = running;
        redis = RedisUnderPatch.start(system, fix);
        cycle = redis.cycle();
    }

    @AfterEach
    void stopRedis() {
        redis.close();
    }

    @Test
    void aPatchForAnotherBuildIsNothingToDo() throws IOException {
        var other = patchOfAnotherProgram();
        system.client()
                .resource(RedisFix.artifact("other", other))
                .fieldManager("test")
                .serverSideApply();
        long started = redis.look().startTime();
        system.client()
                .resource(RedisFix.viewPatch(PATCH, "other", Digest.of(other), QuiescenceScope.THREAD, Rollout.DEFAULT))
                .create();
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Applied"))
                        .hasValueSatisfying(condition -> {
                            assertThat(condition.getStatus()).isEqualTo("False");
                            assertThat(condition.getReason()).isEqualTo("BuildIdMismatch");
                            assertThat(condition.getMessage()).contains("redis");
                        }));
        redis.assertUnharmed(started, "vulnerable");
        cycle.revert(PATCH);
        redis.assertNothingIsLeft();
    }

    @Test
    void anAgentThatIsKilledInTheMiddleGoesOnWhereItWas() throws Exception {
        long started = redis.look().startTime();
        redis.interruptAfterViewIsReady(Rollout.DEFAULT, new Agent(system)::kill);
        cycle.awaitApplied(PATCH);
        assertThat(redis.look().threads())
                .allSatisfy(thread -> assertThat(thread.view()).isPositive());
        redis.assertUnharmed(started, "fixed");
        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    @Test
    void aViewPatchThatIsDeletedWhileItProgressesIsTakenBack() throws Exception {
        long started = redis.look().startTime();
        redis.interruptAfterViewIsReady(Rollout.DEFAULT, () -> cycle.revert(PATCH));
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    @Test
    void aShareOfTheThreadsRunsTheChangeUntilItIsMoreOrLess() throws IOException {
        int all = redis.look().threads().size();
        long started = redis.look().startTime();
        cycle.create(
                PATCH,
                QuiescenceScope.THREAD,
                new Rollout(null, new IntOrString("100%"), 0, true, 600, OnFailure.PAUSE));
        change("{'spec': {'threads': {'share': 2}, 'rollout': {'paused': false}}}");
        cycle.awaitApplied(PATCH);
        assertThat(redis.threadsInViews()).isEqualTo(2).isLessThan(all);
        assertThat(redis.patch())
                .extracting(ViewPatch::getStatus)
                .isNotNull()
                .satisfies(status -> assertThat(status.threads()).isEqualTo(new ThreadCounts(2, 2, 0)));
        // The oldest thread is the one that answers.
        redis.assertUnharmed(started, "fixed");

        change("{'spec': {'threads': {'share': '100%'}}}");
        await().atMost(LIMIT).until(() -> redis.threadsInViews() == all);
        change("{'spec': {'threads': {'share': '1%'}}}");
        await().atMost(LIMIT).until(() -> redis.threadsInViews() == 1);
        redis.assertUnharmed(started, "fixed");

        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    private void change(String patch) {
        system.kubectl()
                .run(
                        "patch",
                        "--namespace=" + RedisPod.NAMESPACE,
                        "viewpatch/" + PATCH,
                        "--type=merge",
                        "--patch=" + patch.replace('\'', '"'));
    }

    @Test
    void aProcessThatEndsWhileItIsPatchedIsFollowedByAPatchedOne() throws Exception {
        int restarts = new Agent(system).restarts();
        // The last thread may have moved before the signal comes: its pods are to stay well for a while after that.
        var soaking = new Rollout(null, new IntOrString("100%"), 600, false, 600, OnFailure.PAUSE);
        redis.interruptAfterViewIsReady(soaking, () -> {
            assertThat(system.node()
                            .exec("kill", "-KILL", Integer.toString(redis.pod().pid()))
                            .status())
                    .isZero();
        });
        int pid = redis.awaitRestart();
        redis.awaitAllThreadsPatched(pid);
        // Whether it was the change that ended it is for a human to say.
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Degraded"))
                        .hasValueSatisfying(condition -> {
                            assertThat(condition.getStatus()).isEqualTo("True");
                            assertThat(condition.getReason()).isEqualTo("PodsFailed");
                            assertThat(condition.getMessage()).contains("container redis ended", "137");
                        }));
        assertThat(redis.pod().behaviour()).isEqualTo("fixed");
        assertThat(new Agent(system).restarts()).as("the agent does not mind").isEqualTo(restarts);
        cycle.revert(PATCH);
        assertThat(redis.pod().behaviour()).isEqualTo("vulnerable");
    }

    /** The patch file of the example, which was built for a program of a few lines. */
    private static byte[] patchOfAnotherProgram() throws IOException {
        var documents = Files.readString(Scripts.ofThisCheckout().checkout("crds/examples/viewpatch.yaml"));
        var artifact = documents.split("(?m)^---$", -1)[0];
        return new KubernetesSerialization()
                .unmarshal(artifact, ViewPatchArtifact.class)
                .getSpec()
                .file();
    }
}

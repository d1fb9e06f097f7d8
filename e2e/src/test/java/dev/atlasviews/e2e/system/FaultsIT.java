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
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** What goes wrong on the way leaves the process unharmed, the status true and nothing behind. */
class FaultsIT extends RedisUnderPatchTest {

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
    void anAgentThatRunsOutOfMemoryInTheMiddleGoesOnWhereItWas() throws Exception {
        long started = redis.look().startTime();
        redis.interruptAfterViewIsReady(Rollout.DEFAULT, new Agent(system)::runOutOfMemory);
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
        redis.change("{'spec': {'threads': {'share': 2}, 'rollout': {'paused': false}}}");
        cycle.awaitApplied(PATCH);
        assertThat(redis.pod().threadsInViews()).isEqualTo(2).isLessThan(all);
        assertThat(redis.patch())
                .extracting(ViewPatch::getStatus)
                .isNotNull()
                .satisfies(status -> assertThat(status.threads()).isEqualTo(new ThreadCounts(2, 2, 0)));
        // The oldest thread is the one that answers.
        redis.assertUnharmed(started, "fixed");

        redis.change("{'spec': {'threads': {'share': '100%'}}}");
        await().atMost(LIMIT).until(() -> redis.pod().threadsInViews() == all);
        redis.change("{'spec': {'threads': {'share': '1%'}}}");
        await().atMost(LIMIT).until(() -> redis.pod().threadsInViews() == 1);
        redis.assertUnharmed(started, "fixed");

        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
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
        redis.awaitRestart();
        redis.awaitAllThreadsPatched();
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

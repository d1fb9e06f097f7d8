// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.load.DataSet;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.Observer;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
    private static final Duration LIMIT = Duration.ofMinutes(4);
    /** Longer than a node may be silent, shorter than pods are moved for. */
    private static final Duration OUTAGE = Duration.ofMinutes(2);

    private static final DataSet DATA = new DataSet(500, 128, 4);
    private static final String PATCH = "fault";

    private static RedisFix fix;

    private AtlasSystem system;
    private RedisPod redis;
    private PatchCycle cycle;

    @BeforeAll
    static void buildPatch(@TempDir Path directory) throws IOException {
        var build = RedisBuild.make(Scripts.ofThisCheckout());
        fix = RedisFix.build(
                build, directory.resolve("redis.patch"), new PrintWriter(System.err, false, StandardCharsets.UTF_8));
    }

    @BeforeEach
    void startRedis(AtlasSystem running) throws IOException {
        system = running;
        system.awaitAgent();
        cycle = new PatchCycle(system, fix);
        redis = RedisPod.start(system, "redis");
        try (var connection = redis.connect()) {
            DATA.store(connection);
        }
    }

    @AfterEach
    void stopRedis() {
        if (patch() != null) {
            cycle.revert(PATCH);
        }
        redis.close();
        system.node().requireCleanKernelLog();
    }

    @Test
    void aPatchForAnotherBuildIsNothingToDo() throws IOException {
        var other = patchOfAnotherProgram();
        system.client()
                .resource(RedisFix.artifact("other", other))
                .fieldManager("test")
                .serverSideApply();
        long started = look().startTime();
        system.client()
                .resource(RedisFix.viewPatch(PATCH, "other", Digest.of(other), QuiescenceScope.THREAD, Rollout.DEFAULT))
                .create();
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(patch(), "Applied"))
                        .hasValueSatisfying(condition -> {
                            assertThat(condition.getStatus()).isEqualTo("False");
                            assertThat(condition.getReason()).isEqualTo("BuildIdMismatch");
                            assertThat(condition.getMessage()).contains("redis");
                        }));
        assertUnharmed(started, "vulnerable");
        cycle.revert(PATCH);
        assertNothingIsLeft();
    }

    @Test
    void anAgentThatIsKilledInTheMiddleGoesOnWhereItWas() throws Exception {
        long started = look().startTime();
        interruptAfterViewIsReady(Rollout.DEFAULT, new Agent(system)::kill);
        cycle.awaitApplied(PATCH);
        assertThat(look().threads())
                .allSatisfy(thread -> assertThat(thread.view()).isPositive());
        assertUnharmed(started, "fixed");
        cycle.revert(PATCH);
        assertUnharmed(started, "vulnerable");
        assertNothingIsLeft();
    }

    @Test
    void anApiServerThatIsAwayForMinutesHoldsNoThreadUp() throws Exception {
        long started = look().startTime();
        int restarts = new Agent(system).restarts();
        interruptAfterViewIsReady(Rollout.DEFAULT, () -> {
            try (var meanwhile = observe(redis.pid())) {
                system.cluster().killApiServer();
                await("threads move while nobody can be told, and stay")
                        .pollDelay(OUTAGE)
                        .atMost(OUTAGE.plusMinutes(1))
                        .until(() -> meanwhile.look().threads().stream().allMatch(thread -> thread.view() > 0));
            } finally {
                system.cluster().restartApiServer();
            }
        });
        cycle.awaitApplied(PATCH);
        assertUnharmed(started, "fixed");
        assertThat(new Agent(system).restarts()).as("the agent does not mind").isEqualTo(restarts);
        cycle.revert(PATCH);
        assertUnharmed(started, "vulnerable");
        assertNothingIsLeft();
    }

    @Test
    void aViewPatchThatIsDeletedWhileItProgressesIsTakenBack() throws Exception {
        long started = look().startTime();
        interruptAfterViewIsReady(Rollout.DEFAULT, () -> cycle.revert(PATCH));
        assertUnharmed(started, "vulnerable");
        assertNothingIsLeft();
    }

    @Test
    void aShareOfTheThreadsRunsTheChangeUntilItIsMoreOrLess() throws IOException {
        int all = look().threads().size();
        long started = look().startTime();
        cycle.create(
                PATCH,
                QuiescenceScope.THREAD,
                new Rollout(null, new IntOrString("100%"), 0, true, 600, OnFailure.PAUSE));
        change("{'spec': {'threads': {'share': 2}, 'rollout': {'paused': false}}}");
        cycle.awaitApplied(PATCH);
        assertThat(threadsInViews()).isEqualTo(2).isLessThan(all);
        assertThat(patch())
                .extracting(ViewPatch::getStatus)
                .isNotNull()
                .satisfies(status -> assertThat(status.threads()).isEqualTo(new ThreadCounts(2, 2, 0)));
        // The oldest thread is the one that answers.
        assertUnharmed(started, "fixed");

        change("{'spec': {'threads': {'share': '100%'}}}");
        await().atMost(LIMIT).until(() -> threadsInViews() == all);
        change("{'spec': {'threads': {'share': '1%'}}}");
        await().atMost(LIMIT).until(() -> threadsInViews() == 1);
        assertUnharmed(started, "fixed");

        cycle.revert(PATCH);
        assertUnharmed(started, "vulnerable");
        assertNothingIsLeft();
    }

    private long threadsInViews() {
        return look().threads().stream().filter(thread -> thread.view() > 0).count();
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
        interruptAfterViewIsReady(soaking, () -> {
            assertThat(system.node()
                            .exec("kill", "-KILL", Integer.toString(redis.pid()))
                            .status())
                    .isZero();
        });
        await("the container is started again")
                .atMost(LIMIT)
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(redis.findProcess()).isNotEqualTo(redis.pid()));
        int pid = redis.findProcess();
        await("the new process is patched")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(podView())
                        .extracting(PodView::getStatus)
                        .isNotNull()
                        .satisfies(status -> assertThat(status.processes())
                                .singleElement()
                                .satisfies(process -> {
                                    assertThat(process.pid()).isEqualTo(pid);
                                    assertThat(process.threads().moved())
                                            .isEqualTo(process.threads().total())
                                            .isPositive();
                                })));
        // Whether it was the change that ended it is for a human to say.
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(patch(), "Degraded"))
                        .hasValueSatisfying(condition -> {
                            assertThat(condition.getStatus()).isEqualTo("True");
                            assertThat(condition.getReason()).isEqualTo("PodsFailed");
                            assertThat(condition.getMessage()).contains("container redis ended", "137");
                        }));
        assertThat(redis.behaviour()).isEqualTo("fixed");
        assertThat(new Agent(system).restarts()).as("the agent does not mind").isEqualTo(restarts);
        cycle.revert(PATCH);
        assertThat(redis.behaviour()).isEqualTo("vulnerable");
    }

    /** Creates the ViewPatch and interrupts when the agent has built the view; asserts that this was in time. */
    private void interruptAfterViewIsReady(Rollout rollout, Runnable interruption) throws Exception {
        var ready = new CountDownLatch(1);
        var log = system.followAgentLog();
        Thread.ofPlatform()
                .daemon()
                .start(() -> log.inputReader(StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.contains("VIEW_READY"))
                        .forEach(line -> ready.countDown()));
        try (var observer = observe(redis.findProcess())) {
            // The log is followed from here on, not a moment later.
            await().until(log::isAlive);
            cycle.create(PATCH, QuiescenceScope.THREAD, rollout);
            assertThat(ready.await(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .as("a view was built")
                    .isTrue();
            var seen = observer.look();
            assertThat(seen.stat("views_created")).isEqualTo(1);
            assertThat(seen.threads())
                    .as("in the middle: not all threads have moved")
                    .anySatisfy(thread -> assertThat(thread.view()).isZero());
            interruption.run();
        } finally {
            log.destroy();
        }
    }

    private void assertUnharmed(long started, String behaviour) {
        assertThat(redis.findProcess()).isEqualTo(redis.pid());
        assertThat(look().startTime()).isEqualTo(started);
        assertThat(redis.behaviour()).isEqualTo(behaviour);
        try (var connection = redis.connect()) {
            assertThat(DATA.countIntact(connection)).isEqualTo(DATA.size());
        }
    }

    private void assertNothingIsLeft() {
        assertThat(look().threads())
                .allSatisfy(thread -> assertThat(thread.view()).isZero());
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(look().stat("pages")).as("pages of views").isZero());
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(podView()).as("the PodView").isNull());
    }

    private Observation look() {
        try (var observer = observe(redis.findProcess())) {
            return observer.look();
        }
    }

    private Observer observe(int pid) {
        return Observer.start(system.node(), pid, Observer.NOWHERE, Observer.NOWHERE);
    }

    private @Nullable ViewPatch patch() {
        return system.client()
                .resources(ViewPatch.class)
                .inNamespace(RedisPod.NAMESPACE)
                .withName(PATCH)
                .get();
    }

    private @Nullable PodView podView() {
        return system.client()
                .resources(PodView.class)
                .inNamespace(RedisPod.NAMESPACE)
                .withName(redis.uid())
                .get();
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

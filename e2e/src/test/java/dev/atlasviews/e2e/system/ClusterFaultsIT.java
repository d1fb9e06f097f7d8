// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.redis.PatchCycle;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What goes wrong around us, in the cluster and on the node, and comes back: so does what was ordered. */
class ClusterFaultsIT extends RedisUnderPatchTest {
    /** Longer than a node may be silent, shorter than pods are moved for. */
    private static final Duration OUTAGE = Duration.ofMinutes(2);
    /** Much more than the two minutes that threads have. */
    private static final Duration JUMP = Duration.ofHours(2);

    @Test
    void anApiServerThatIsAwayForMinutesHoldsNoThreadUp() throws Exception {
        unharmedBy(Rollout.DEFAULT, () -> {
            try (var meanwhile = redis.pod().observe()) {
                system.cluster().killApiServer();
                await("threads move while nobody can be told, and stay")
                        .pollDelay(OUTAGE)
                        .atMost(OUTAGE.plusMinutes(1))
                        .until(() -> allInViews(meanwhile.look()));
            } finally {
                system.cluster().restartApiServer();
            }
        });
    }

    @Test
    void aNodeThatIsNotHeardOfIsNoFailureOfThePatch() throws Exception {
        // Its pods are looked at for as long as it takes.
        var soaking = new Rollout(null, new IntOrString("100%"), 3600, false, 600, OnFailure.PAUSE);
        unharmedBy(soaking, () -> {
            try {
                onNode("pkill", "-STOP", "-x", "kubelet");
                await("the cluster gives the node up")
                        .atMost(LIMIT)
                        .until(() -> !Readiness.getInstance().isReady(node()));
                await("its pods are called unready for that")
                        .atMost(LIMIT)
                        .until(() ->
                                !Readiness.getInstance().isReady(redis.pod().current()));
                await("nobody takes that for the patch's fault")
                        .during(Duration.ofSeconds(10))
                        .atMost(LIMIT)
                        .until(() -> PatchCycle.condition(redis.patch(), "Degraded")
                                .filter(degraded -> "True".equals(degraded.getStatus()))
                                .isEmpty());
            } finally {
                onNode("pkill", "-CONT", "-x", "kubelet");
            }
            redis.change("{'spec': {'rollout': {'soakSeconds': 0}}}");
        });
    }

    @Test
    void aKubeletAndAContainerRuntimeThatStartAgainChangeNothing() throws Exception {
        unharmedBy(Rollout.DEFAULT, () -> {
            onNode("pkill", "-KILL", "-x", "containerd");
            onNode("pkill", "-KILL", "-x", "kubelet");
            var lastLease = renewed();
            var lastReady = saidReady();
            await("the kubelet is there again")
                    .atMost(LIMIT)
                    .until(() -> renewed().isAfter(lastLease));
            await("and has asked the container runtime")
                    .atMost(LIMIT)
                    .until(() -> Readiness.getInstance().isReady(node())
                            && saidReady().isAfter(lastReady));
        });
    }

    @Test
    void aClockThatIsSetMovesNoThread() throws Exception {
        unharmedBy(Rollout.DEFAULT, () -> {
            try (var meanwhile = redis.pod().observe()) {
                try {
                    for (var jump : List.of(JUMP, JUMP.negated())) {
                        setClock(Instant.now().plus(jump));
                        await("threads move, and stay")
                                .pollDelay(Duration.ofSeconds(5))
                                .atMost(LIMIT)
                                .until(() -> allInViews(meanwhile.look()));
                    }
                } finally {
                    setClock(Instant.now());
                }
            }
        });
    }

    @Test
    void aNodeThatIsDrainedPatchesThePodThatComesAfter() throws IOException {
        cycle.apply(PATCH, QuiescenceScope.THREAD);
        var name = system.node().name();
        try {
            system.kubectl().run("drain", "--force", "--ignore-daemonsets", "--delete-emptydir-data", name);
            await("there is nothing to do")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Applied"))
                            .hasValueSatisfying(condition ->
                                    assertThat(condition.getReason()).isEqualTo("NoMatchingPods")));
        } finally {
            system.kubectl().run("uncordon", name);
        }
        redis.startAnotherPod();
        redis.awaitAllThreadsPatched();
        cycle.awaitApplied(PATCH);
        assertThat(redis.pod().behaviour()).isEqualTo("fixed");
    }

    @Test
    void aNodeThatBootsAgainPatchesWhatItStartsAgain() throws IOException {
        cycle.apply(PATCH, QuiescenceScope.THREAD);
        system.node().reboot();
        system.awaitAgent();
        redis.awaitRestart();
        redis.awaitAllThreadsPatched();
        cycle.awaitApplied(PATCH);
        assertThat(redis.pod().behaviour()).isEqualTo("fixed");
        cycle.revert(PATCH);
        assertThat(redis.pod().behaviour()).isEqualTo("vulnerable");
        redis.assertNothingIsLeft();
    }

    /** The patch is applied and taken back in spite of what happens when its view is ready. */
    private void unharmedBy(Rollout rollout, Runnable fault) throws Exception {
        long started = redis.look().startTime();
        int restarts = new Agent(system).restarts();
        redis.interruptAfterViewIsReady(rollout, fault);
        cycle.awaitApplied(PATCH);
        assertThat(allInViews(redis.look())).as("all threads run it").isTrue();
        redis.assertUnharmed(started, "fixed");
        assertThat(new Agent(system).restarts()).as("the agent does not mind").isEqualTo(restarts);
        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    private static boolean allInViews(Observation seen) {
        return seen.threads().stream().allMatch(thread -> thread.view() > 0);
    }

    private io.fabric8.kubernetes.api.model.Node node() {
        return system.client().nodes().withName(system.node().name()).get();
    }

    /** When the kubelet last said whether the node, with its container runtime, is ready. */
    private Instant saidReady() {
        return node().getStatus().getConditions().stream()
                .filter(condition -> "Ready".equals(condition.getType()))
                .map(condition -> Instant.parse(condition.getLastHeartbeatTime()))
                .findFirst()
                .orElseThrow();
    }

    /** When the kubelet last said that it lives. */
    private ZonedDateTime renewed() {
        return system.client()
                .leases()
                .inNamespace("kube-node-lease")
                .withName(system.node().name())
                .get()
                .getSpec()
                .getRenewTime();
    }

    private void setClock(Instant time) {
        onNode("date", "-u", "-s", "@" + time.getEpochSecond());
    }

    private void onNode(String... command) {
        system.node().exec(command).requireSuccess();
    }
}

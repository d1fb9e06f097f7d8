// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A pod that lists the readiness gate, on a real kubelet. */
@ExtendWith(SystemExtension.class)
class PatchedGateIT {
    private static final Duration LIMIT = Duration.ofMinutes(4);
    private static final String PATCH = "gated";

    @Test
    void aContainerThatIsStartedAgainServesWhenItIsPatched(AtlasSystem system, @TempDir Path directory)
            throws Exception {
        var fix = RedisFix.build(
                RedisBuild.make(Scripts.ofThisCheckout()),
                directory.resolve("redis.patch"),
                new PrintWriter(System.err, false, StandardCharsets.UTF_8));
        system.awaitAgent();
        var cycle = new PatchCycle(system, fix);
        try (var redis = RedisPod.startBehindGate(system, PATCH)) {
            var pod = system.client().pods().inNamespace(RedisPod.NAMESPACE).withName(PATCH);
            assertThat(gate(pod.get())).hasValueSatisfying(condition -> {
                assertThat(condition.getStatus()).isEqualTo("True");
                assertThat(condition.getReason()).isEqualTo("NoViewPatch");
            });
            cycle.apply(PATCH, QuiescenceScope.THREAD);
            assertThat(redis.behaviour()).isEqualTo("fixed");

            List<Pod> seen = new CopyOnWriteArrayList<>();
            try (var informer = pod.inform(collectingIn(seen))) {
                assertThat(informer.isRunning()).isTrue();
                kill(system, redis.pid());
                awaitServingAgain(pod);
                assertThat(redis.behaviour()).as("with the first request").isEqualTo("fixed");
            }
            assertThat(gate(pod.get()))
                    .hasValueSatisfying(
                            condition -> assertThat(condition.getReason()).isEqualTo("Patched"));
            assertThat(seen).as("it ran, and was kept from serving").anySatisfy(state -> {
                assertThat(container(state).getRestartCount()).isEqualTo(1);
                assertThat(container(state).getState().getRunning()).isNotNull();
                assertThat(gate(state))
                        .hasValueSatisfying(
                                condition -> assertThat(condition.getStatus()).isEqualTo("False"));
                assertThat(Readiness.isPodReady(state)).isFalse();
            });
            cycle.revert(PATCH);
        }
        system.node().requireCleanKernelLog();
    }

    private static void kill(AtlasSystem system, int pid) {
        assertThat(system.node().exec("kill", "-KILL", Integer.toString(pid)).status())
                .isZero();
    }

    private static void awaitServingAgain(PodResource pod) {
        pod.waitUntilCondition(
                state -> state != null && container(state).getRestartCount() == 1 && Readiness.isPodReady(state),
                LIMIT.toSeconds(),
                TimeUnit.SECONDS);
    }

    private static ContainerStatus container(Pod pod) {
        return pod.getStatus().getContainerStatuses().getFirst();
    }

    private static Optional<PodCondition> gate(Pod pod) {
        return pod.getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(Atlas.PATCHED_CONDITION))
                .findFirst();
    }

    private static ResourceEventHandler<Pod> collectingIn(List<Pod> seen) {
        return new ResourceEventHandler<>() {
            @Override
            public void onAdd(Pod pod) {
                seen.add(pod);
            }

            @Override
            public void onUpdate(Pod before, Pod now) {
                seen.add(now);
            }

            @Override
            public void onDelete(Pod pod, boolean stateUnknown) {
                // The test deletes it when all is done.
            }
        };
    }
}

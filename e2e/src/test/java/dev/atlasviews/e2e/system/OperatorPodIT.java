// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The operator as its users run it: the chart's Deployment, in a pod without any privilege. */
@ExtendWith(SystemExtension.class)
class OperatorPodIT {
    private static final Duration LIMIT = Duration.ofMinutes(4);
    private static final String PATCH = "for-nobody";

    @Test
    void itWatchesDecidesAndReportsFromItsPod(AtlasSystem system) {
        var agent = system.agents().getFirst().getMetadata().getUid();
        try (var operator = OperatorPod.start(system)) {
            System.out.printf(
                    "the operator's pod was ready %d s after its start%n",
                    operator.startTime().toSeconds());
            assertThat(system.status(operator.pod(), "livez")).isEqualTo("ok\n");
            assertThat(system.status(operator.pod(), "readyz")).isEqualTo("ok\n");
            assertThat(operator.pod().getSpec().getContainers().getFirst().getSecurityContext())
                    .satisfies(context ->
                            assertThat(context.getReadOnlyRootFilesystem()).isTrue());
            assertThat(system.node()
                            .exec("sh", "-c", "ps -o user= -p $(pgrep -f [O]peratorMain)")
                            .requireSuccess())
                    .as("the user that its process runs for")
                    .isEqualToIgnoringWhitespace("65532");

            var patch = apply(system);
            await("the operator's word in the ViewPatch")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(PatchCycle.condition(patch.get(), "Applied"))
                            .hasValueSatisfying(condition -> {
                                assertThat(condition.getReason()).isEqualTo("NoMatchingPods");
                                assertThat(condition.getStatus()).isEqualTo("False");
                            }));
            assertThat(PatchCycle.condition(patch.get(), "Accepted"))
                    .hasValueSatisfying(
                            condition -> assertThat(condition.getStatus()).isEqualTo("True"));
            // Counted from what the operator's watch has brought: its own writes come back a moment later.
            await("the ViewPatch in the operator's metrics")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(system.status(operator.pod(), "metrics"))
                            .contains("atlas_viewpatches{condition=\"Accepted\",status=\"True\"} 1.0"));

            patch.delete();
            await("what was done nowhere is let go").atMost(LIMIT).until(() -> patch.get() == null);
            assertThat(operator.container().getRestartCount()).isZero();
        }
        assertThat(system.agents().getFirst().getMetadata().getUid())
                .as("an upgrade of the operator leaves the agent alone")
                .isEqualTo(agent);
        assertThat(system.status(system.agents().getFirst(), "metrics")).contains("atlas_agent_module_loaded 1.0");
        system.node().requireCleanKernelLog();
    }

    /** A ViewPatch whose selector no pod matches. */
    private static Resource<ViewPatch> apply(AtlasSystem system) {
        var file = "new code".getBytes(StandardCharsets.US_ASCII);
        create(system, RedisFix.artifact(PATCH, file));
        var patch = RedisFix.viewPatch(PATCH, PATCH, Digest.of(file), QuiescenceScope.THREAD, Rollout.DEFAULT);
        patch.getSpec().selector().setMatchLabels(Map.of("app", "nobody"));
        create(system, patch);
        return system.client()
                .resources(ViewPatch.class)
                .inNamespace(RedisPod.NAMESPACE)
                .withName(PATCH);
    }

    private static void create(AtlasSystem system, HasMetadata object) {
        system.client().resource(object).fieldManager("test").serverSideApply();
    }
}

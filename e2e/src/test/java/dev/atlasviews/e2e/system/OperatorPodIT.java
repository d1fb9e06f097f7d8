// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static java.util.Objects.requireNonNull;
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
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** All of the system in pods, as its users run it: the chart's Deployment too, without any privilege. */
@ExtendWith(SystemExtension.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
class OperatorPodIT {
    private static final Duration LIMIT = Duration.ofMinutes(4);
    private static final String NOBODY = "for-nobody";

    private static AtlasSystem system;
    private static String agent;
    private static OperatorPod operator;

    @BeforeAll
    static void startOperator(AtlasSystem running) {
        system = running;
        system.awaitAgent();
        agent = agentUid();
        operator = OperatorPod.start(system);
        System.out.printf(
                "the operator's pod was ready %d s after its start, the agent's %d s%n",
                startTime(operator.pod()).toSeconds(),
                startTime(system.agents().getFirst()).toSeconds());
    }

    @AfterAll
    static void stopOperator() {
        operator.close();
        assertThat(agentUid())
                .as("an upgrade of the operator leaves the agent alone")
                .isEqualTo(agent);
        system.node().requireCleanKernelLog();
    }

    @Test
    void itRunsWithoutPrivilegeAndWhatHelmTestsIsWell() {
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

        system.chart().test();
        assertThat(system.client()
                        .v1()
                        .events()
                        .inNamespace(Chart.NAMESPACE)
                        .list()
                        .getItems())
                .as("what Helm started, and waited for the end of")
                .anySatisfy(event -> {
                    assertThat(event.getInvolvedObject().getName()).isEqualTo("atlas-test");
                    assertThat(event.getReason()).isEqualTo("Started");
                });
    }

    @Test
    void itWatchesDecidesAndReportsFromItsPod() {
        var patch = applyForNobody();
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

    @Test
    void itSaysWhatWouldBeChangedAndThenChangesItAndTakesItBack(@TempDir Path builds) throws IOException {
        try (var redis = RedisUnderPatch.start(system, RedisUnderPatch.buildFix(builds))) {
            long started = redis.look().startTime();
            int threads = redis.look().threads().size();
            redis.cycle().observe(PATCH);
            await("what would be changed is said")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Applied"))
                            .hasValueSatisfying(applied -> {
                                assertThat(applied.getReason()).isEqualTo("Observed");
                                assertThat(applied.getMessage())
                                        .contains("%d threads in 1 pods would be changed".formatted(threads));
                            }));
            assertThat(redis.look().stat("views_created")).isZero();
            redis.assertUnharmed(started, "vulnerable");
            redis.cycle().revert(PATCH);

            redis.cycle().apply(PATCH, QuiescenceScope.THREAD);
            redis.assertUnharmed(started, "fixed");
            redis.cycle().revert(PATCH);
            redis.assertUnharmed(started, "vulnerable");
            redis.assertNothingIsLeft();
        }
        assertThat(system.status(system.agents().getFirst(), "metrics")).contains("atlas_agent_module_loaded 1.0");
    }

    private static String agentUid() {
        return system.agents().getFirst().getMetadata().getUid();
    }

    /** From the start of a pod's container to the end of its program's start, by the kubelet's clock. */
    private static Duration startTime(Pod pod) {
        var ready = pod.getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals("Ready"))
                .findFirst()
                .orElseThrow();
        var running =
                pod.getStatus().getContainerStatuses().getFirst().getState().getRunning();
        return Duration.between(
                Instant.parse(requireNonNull(running).getStartedAt()), Instant.parse(ready.getLastTransitionTime()));
    }

    /** A ViewPatch whose selector no pod matches. */
    private static Resource<ViewPatch> applyForNobody() {
        var file = "new code".getBytes(StandardCharsets.US_ASCII);
        create(RedisFix.artifact(NOBODY, file));
        var patch = RedisFix.viewPatch(NOBODY, NOBODY, Digest.of(file), QuiescenceScope.THREAD, Rollout.DEFAULT);
        patch.getSpec().selector().setMatchLabels(Map.of("app", "nobody"));
        create(patch);
        return system.client()
                .resources(ViewPatch.class)
                .inNamespace(RedisPod.NAMESPACE)
                .withName(NOBODY);
    }

    private static void create(HasMetadata object) {
        system.client().resource(object).fieldManager("test").serverSideApply();
    }
}

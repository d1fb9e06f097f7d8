// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static dev.atlasviews.operator.Objects.digest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.Programs;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReviewBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus has something to show in each panel of the dashboard, and gives each alert what it looks at. */
final class MonitoringIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String OPERATOR = "atlas-operator";
    private static final String CODE = "new code";
    private static final String NODE = "node-1";
    private static final String NO_MODULE = "AtlasModuleUnavailable";

    @TempDir
    private Path folder;

    @Test
    void prometheusUnderstandsDashboardAndAlertsAndHasWhatTheyAskFor() throws Exception {
        final int status = Programs.freePort();
        final int agentStatus = Programs.freePort();
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient administrator = server.client()) {
            // With the right to the lease, which a second one asks for.
            Chart.install(administrator, command -> command.set("operator.replicas", 2));
            try (OperatorProcess operator = OperatorProcess.start(
                            folder,
                            "operator",
                            server.kubeconfig(Chart.NAMESPACE),
                            Map.of("ATLAS_STATUS_PORT", String.valueOf(status)));
                    AgentProcess agent = AgentProcess.start(
                            Files.createDirectory(folder.resolve("node")),
                            server.kubeconfig(Chart.NAMESPACE),
                            NODE,
                            agentStatus);
                    Prometheus prometheus = Prometheus.start(
                            Files.createDirectory(folder.resolve("prometheus")),
                            List.of(operatorJob(status), agentJob(agentStatus)),
                            groups())) {
                administrator.resource(artifact()).create();
                administrator.resource(patch(NewPods.APPLY)).create();
                administrator.resource(view()).create();

                assertIsScraped(prometheus);
                assertPanelsShowSomething(prometheus, administrator);
                assertRulesWork(prometheus);
                assertFailuresAreSeen(prometheus, server, administrator);

                final String agentDown =
                        rule(prometheus, "AtlasAgentDown").get("query").asText();
                assertThat(prometheus.query(agentDown)).as(agentDown).isEmpty();
                agent.kill();
                // No test is to last as long.
                final String soon = agentDown.replace("[15m]", "[20s]");
                assertThat(soon).isNotEqualTo(agentDown);
                await(soon)
                        .atMost(LIMIT)
                        .untilAsserted(() -> assertThat(prometheus.query(soon))
                                .singleElement()
                                .satisfies(sample -> assertThat(
                                                sample.labels().path("node").asText())
                                        .isEqualTo(NODE)));
                final String down =
                        rule(prometheus, "AtlasOperatorDown").get("query").asText();
                assertThat(prometheus.query(down)).as(down).isEmpty();
                operator.kill();
                await(down).atMost(LIMIT).until(() -> !prometheus.query(down).isEmpty());
                assertOneThatMayNotActIsNone(prometheus, server, administrator, status, down);
            }
        }
    }

    /** It runs and is scraped, and another has the lease that nobody knows of. */
    private void assertOneThatMayNotActIsNone(
            final Prometheus prometheus,
            final ApiServer server,
            final KubernetesClient administrator,
            final int status,
            final String down)
            throws Exception {
        administrator
                .resource(new LeaseBuilder()
                        .withNewMetadata()
                        .withNamespace(Chart.NAMESPACE)
                        .withName(OPERATOR)
                        .endMetadata()
                        .withNewSpec()
                        .withHolderIdentity("another")
                        .withLeaseDurationSeconds(3600)
                        .withAcquireTime(ZonedDateTime.now(ZoneOffset.UTC))
                        .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC))
                        .withLeaseTransitions(1)
                        .endSpec()
                        .build())
                .create();
        try (OperatorProcess _ = OperatorProcess.start(
                folder,
                "waiting",
                server.kubeconfig(Chart.NAMESPACE),
                Map.of("ATLAS_STATUS_PORT", String.valueOf(status), "ATLAS_LEASE", OPERATOR))) {
            await("it is scraped")
                    .atMost(LIMIT)
                    .until(() -> !prometheus.query("atlas_operator_acts == 0").isEmpty());
            assertThat(prometheus.query("up{job=\"atlas-operator\"} == 1")).isNotEmpty();
            assertThat(prometheus.query(down)).as(down).isNotEmpty();
        }
    }

    /** The operator, as the chart's ServiceMonitor tells of it. */
    private static Prometheus.Job operatorJob(final int status) {
        final List<HasMetadata> objects = objects();
        final GenericKubernetesResource monitor = generic(objects, "ServiceMonitor", OPERATOR);
        assertThat(monitor.<String>get("spec", "jobLabel"))
                .as("a job is called like the service")
                .isNull();
        final Map<String, String> selector = monitor.get("spec", "selector", "matchLabels");
        final List<Service> services = objects.stream()
                .filter(Service.class::isInstance)
                .map(Service.class::cast)
                .filter(service -> service.getMetadata().getLabels().entrySet().containsAll(selector.entrySet()))
                .toList();
        assertThat(services).hasSize(1);
        assertThat(services.getFirst().getSpec().getPorts())
                .extracting(ServicePort::getName)
                .contains(monitor.<String>get("spec", "endpoints", 0, "port"));
        return new Prometheus.Job(
                services.getFirst().getMetadata().getName(),
                status,
                monitor.get("spec", "endpoints", 0, "path"),
                Map.of());
    }

    /** An agent, as the chart's PodMonitor tells of it: the Prometheus operator writes labels for what it names. */
    private static Prometheus.Job agentJob(final int status) {
        final GenericKubernetesResource monitor = generic(objects(), "PodMonitor", "atlas-agent");
        final List<Map<String, Object>> relabelings = monitor.get("spec", "podMetricsEndpoints", 0, "relabelings");
        assertThat(relabelings)
                .extracting(relabeling -> relabeling.get("targetLabel"))
                .containsExactly("job", "node");
        assertThat(relabelings.getLast().get("sourceLabels")).isEqualTo(List.of("__meta_kubernetes_pod_node_name"));
        return new Prometheus.Job(
                String.valueOf(relabelings.getFirst().get("replacement")),
                status,
                monitor.get("spec", "podMetricsEndpoints", 0, "path"),
                Map.of("node", NODE, "pod", "atlas-agent-1"));
    }

    private static GenericKubernetesResource generic(
            final List<HasMetadata> objects, final String kind, final String name) {
        return Chart.only(
                objects.stream().filter(object -> object.getKind().equals(kind)).toList(),
                GenericKubernetesResource.class,
                name);
    }

    private static void assertIsScraped(final Prometheus prometheus) {
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThat(prometheus.targets()).hasSize(2).allSatisfy(target -> {
                    assertThat(target.get("lastError").asText()).isEmpty();
                    assertThat(target.get("health").asText()).isEqualTo("up");
                }));
    }

    private static void assertPanelsShowSomething(final Prometheus prometheus, final KubernetesClient administrator)
            throws IOException {
        await("the ViewPatch is accepted")
                .atMost(LIMIT)
                .until(() -> prometheus
                                .query("atlas_viewpatches{condition=\"Accepted\", status=\"True\"} == 1")
                                .size()
                        == 1);
        await("its reconciliation is counted")
                .atMost(LIMIT)
                .until(() ->
                        !prometheus.query("atlas_reconciliation_seconds_count").isEmpty());
        await("a pass over the PodView is counted")
                .atMost(LIMIT)
                .until(() -> prometheus
                                .query("atlas_agent_pass_seconds_count{result=\"success\"} > 0")
                                .size()
                        == 1);
        // A mean is of what was added since the first sample.
        change(administrator, NewPods.LEAVE);
        final List<String> expressions = new ObjectMapper()
                .readTree(Chart.only(objects(), ConfigMap.class, "atlas-dashboard")
                        .getData()
                        .get("atlas-for-kubernetes.json"))
                .findValuesAsText("expr");
        assertThat(expressions).hasSizeGreaterThanOrEqualTo(14);
        for (final String expression : expressions) {
            await(expression)
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(prometheus.query(expression))
                            .isNotEmpty()
                            .allSatisfy(sample ->
                                    assertThat(sample.value()).isFinite().isNotNegative()));
        }
    }

    private static void assertRulesWork(final Prometheus prometheus) throws IOException, InterruptedException {
        await("every rule works")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(prometheus.rules()).isNotEmpty().allSatisfy(rule -> {
                    assertThat(rule.path("lastError").asText()).isEmpty();
                    assertThat(rule.get("health").asText()).isEqualTo("ok");
                    assertThat(rule.get("state").asText())
                            .as(rule.toString())
                            .isEqualTo(rule.get("name").asText().equals(NO_MODULE) ? "pending" : "inactive");
                }));
        assertThat(prometheus.rules())
                .extracting(rule -> rule.get("name").asText())
                .containsExactlyElementsOf(
                        new ObjectMapper().valueToTree(groups()).findValuesAsText("alert"));
        for (final JsonNode rule : prometheus.rules()) {
            final String expression = rule.get("query").asText();
            // A comparison hides what it is not true of.
            final String compared = expression.replaceFirst(" (>|==|<) [\\d.]+$", "");
            if (!compared.equals(expression)) {
                assertThat(prometheus.query(compared)).as(expression).isNotEmpty();
            }
        }
    }

    /** An operator that may no longer say how a ViewPatch is fails until it may. */
    private static void assertFailuresAreSeen(
            final Prometheus prometheus, final ApiServer server, final KubernetesClient administrator)
            throws IOException, InterruptedException {
        final String failures =
                rule(prometheus, "AtlasReconciliationsFail").get("query").asText();
        assertThat(prometheus.query(failures)).as(failures).isEmpty();
        administrator.rbac().clusterRoles().withName(OPERATOR).edit(role -> {
            role.getRules().removeIf(rule -> rule.getResources().contains("viewpatches/status"));
            return role;
        });
        try (KubernetesClient operator = server.client(Chart.NAMESPACE, OPERATOR)) {
            await("the right is gone").atMost(LIMIT).until(() -> !mayWriteStatus(operator));
        }
        change(administrator, NewPods.APPLY);
        await(failures)
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(prometheus.query(failures))
                        .singleElement()
                        .satisfies(sample -> assertThat(
                                        sample.labels().path("controller").asText())
                                .isEqualTo("atlas-viewpatch")));
    }

    private static boolean mayWriteStatus(final KubernetesClient client) {
        final SelfSubjectAccessReview question = new SelfSubjectAccessReviewBuilder()
                .withNewSpec()
                .withNewResourceAttributes()
                .withGroup("atlasviews.dev")
                .withResource("viewpatches")
                .withSubresource("status")
                .withVerb("patch")
                .withNamespace(Objects.NAMESPACE)
                .endResourceAttributes()
                .endSpec()
                .build();
        return client.authorization()
                .v1()
                .selfSubjectAccessReview()
                .create(question)
                .getStatus()
                .getAllowed();
    }

    private static JsonNode rule(final Prometheus prometheus, final String name)
            throws IOException, InterruptedException {
        return prometheus.rules().stream()
                .filter(rule -> rule.get("name").asText().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** The chart's groups of rules. */
    private static Object groups() {
        return generic(objects(), "PrometheusRule", "atlas-for-kubernetes").get("spec", "groups");
    }

    private static List<HasMetadata> objects() {
        return Chart.render(
                "1.20.2",
                command -> command.set("metrics.serviceMonitor.enabled", true)
                        .set("metrics.podMonitor.enabled", true)
                        .set("metrics.alerts.enabled", true)
                        .set("metrics.dashboard.enabled", true));
    }

    /** Gives the operator something to do. */
    private static void change(final KubernetesClient administrator, final NewPods newPods) {
        final ViewPatch changed = patch(newPods);
        administrator
                .resources(ViewPatch.class)
                .inNamespace(Objects.NAMESPACE)
                .withName(changed.getMetadata().getName())
                .edit(current -> {
                    current.setSpec(changed.getSpec());
                    return current;
                });
    }

    private static ViewPatch patch(final NewPods newPods) {
        final var patch = new ViewPatch();
        patch.setMetadata(metadata("fix"));
        patch.setSpec(Objects.spec(digest(CODE), null, newPods));
        return patch;
    }

    /** What the ViewPatch names; without it, it is not accepted. */
    private static ViewPatchArtifact artifact() {
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(metadata("artifact"));
        artifact.setSpec(new ViewPatchArtifactSpec(
                null, Base64.getEncoder().encodeToString(CODE.getBytes(StandardCharsets.UTF_8))));
        return artifact;
    }

    /** What the agent makes its passes over; of a pod that is not there, so that the operator has nothing to say of it. */
    private static PodView view() {
        final var view = new PodView();
        view.setMetadata(new ObjectMetaBuilder(metadata("0d6d2f4e-8f0b-4a34-9c1c-000000000001"))
                .addToLabels(Atlas.NODE_LABEL, Atlas.nodeLabel(NODE))
                .build());
        view.setSpec(new PodViewSpec("web-0", NODE, List.of()));
        return view;
    }

    private static ObjectMeta metadata(final String name) {
        return new ObjectMetaBuilder()
                .withNamespace(Objects.NAMESPACE)
                .withName(name)
                .build();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static java.util.Map.entry;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.KernelStatus;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.operator.Objects;
import dev.atlasviews.operator.OperatorMain;
import dev.atlasviews.operator.nodelabel.NodeLabel;
import dev.atlasviews.operator.pods.PatchedCondition;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.Operator;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real API server takes what the chart renders, and the rights that it gives are enough and no more. */
final class RightsIT {
    private static final PatchContext JSON_MERGE = PatchContext.of(PatchType.JSON_MERGE);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String OPERATOR = "system:serviceaccount:atlas-system:atlas-operator";
    private static final String AGENT = "system:serviceaccount:atlas-system:atlas-agent";

    @TempDir
    private static Path folder;

    private static ApiServer server;
    private static KubernetesClient administrator;

    @BeforeAll
    static void install() throws Exception {
        server = ApiServer.start(folder);
        administrator = server.client();
        // With every right that some value gives.
        Chart.install(administrator, command -> command.set("operator.replicas", 2));
        bind("carol", "atlas-viewpatch-editor");
        bind("dave", "atlas-viewer");
        // The role "edit" is put together of these by a controller, which does not run here.
        bind("erin", "system:aggregate-to-view");
        bind("erin", "system:aggregate-to-edit");
        bind("erin", "atlas-viewpatch-editor");
    }

    /** Gives a service account of the namespace in which tests work a role there, and nowhere else. */
    private static void bind(final String account, final String role) {
        administrator
                .resource(new RoleBindingBuilder()
                        .withNewMetadata()
                        .withNamespace(Objects.NAMESPACE)
                        .withName("%s-%s".formatted(account, role))
                        .endMetadata()
                        .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", role)
                        .addNewSubject()
                        .withKind("ServiceAccount")
                        .withNamespace(Objects.NAMESPACE)
                        .withName(account)
                        .endSubject()
                        .build())
                .create();
    }

    @AfterAll
    static void stop() {
        administrator.close();
        server.close();
    }

    @Test
    void theyAreEnoughForAWholeLife() {
        final Operator operator = OperatorMain.create(server.client(Chart.NAMESPACE, "atlas-operator"));
        operator.start();
        try (KubernetesClient agent = server.client(Chart.NAMESPACE, "atlas-agent")) {
            final Pod pod = Workload.runningPod(administrator, "redis-0");
            administrator.resource(Workload.artifact()).create();
            administrator.resource(Workload.patch("fix")).create();
            await().atMost(LIMIT).until(() -> Workload.view(administrator, pod) != null);

            assertThat(agent.resource(Workload.artifact()).get()).isNotNull();
            report(agent, pod);
            await().atMost(LIMIT).until(() -> podsWithNothingToDo() == 1);
            await().atMost(LIMIT).untilAsserted(() -> assertThat(gate(pod)).isEqualTo("WaitingForNode"));

            administrator.resource(Workload.patch("fix")).delete();
            await().atMost(LIMIT)
                    .until(() -> requireNonNull(Workload.view(administrator, pod))
                                    .getMetadata()
                                    .getGeneration()
                            == 2);
            report(agent, pod);
            await().atMost(LIMIT)
                    .until(() -> administrator.resource(Workload.patch("fix")).get() == null);
            await().atMost(LIMIT).until(() -> Workload.view(administrator, pod) == null);
            await().atMost(LIMIT).untilAsserted(() -> assertThat(gate(pod)).isEqualTo("NoViewPatch"));
            assertThat(administrator
                            .v1()
                            .events()
                            .inNamespace(Objects.NAMESPACE)
                            .list()
                            .getItems())
                    .isNotEmpty();
        } finally {
            operator.stop();
        }
    }

    @Test
    void theOperatorChangesNothingOfAPodButItsStatus() {
        final Pod pod = Workload.runningPod(administrator, "redis-1");
        try (KubernetesClient operator = server.client(Chart.NAMESPACE, "atlas-operator")) {
            final var resource = operator.resource(pod);
            assertThat(resource.get()).isNotNull();
            assertForbidden(() -> resource.patch(JSON_MERGE, "{\"metadata\":{\"labels\":{\"app\":\"other\"}}}"));
            assertForbidden(() -> resource.patch(JSON_MERGE, "{\"spec\":{\"activeDeadlineSeconds\":1}}"));
            assertForbidden(resource::delete);
            assertForbidden(() -> resource.subresource("status").update());
            assertForbidden(
                    () -> operator.secrets().inNamespace(Chart.NAMESPACE).list());
            assertForbidden(() -> operator.nodes().list());
        } finally {
            administrator.resource(pod).withGracePeriod(0).delete();
        }
    }

    @Test
    void theOperatorMayDoThisAndNothingElse() {
        final Map<String, List<String>> everywhere = Map.ofEntries(
                entry("viewpatches.atlasviews.dev", List.of("get", "list", "watch", "patch")),
                entry("viewpatches.atlasviews.dev/status", List.of("patch")),
                entry("viewpatchartifacts.atlasviews.dev", List.of("get", "list", "watch")),
                entry("podviews.atlasviews.dev", List.of("get", "list", "watch", "create", "patch", "delete")),
                entry("viewnodes.atlasviews.dev", List.of("get", "list", "watch")),
                entry("pods", List.of("get", "list", "watch")),
                entry("pods/status", List.of("patch")),
                entry("events", List.of("get", "create", "patch")));
        assertThat(rights(OPERATOR, Objects.NAMESPACE)).isEqualTo(everywhere);
        final Map<String, List<String>> home = new HashMap<>(everywhere);
        home.put("leases.coordination.k8s.io", List.of("create"));
        home.put("leases.coordination.k8s.io:atlas-operator", List.of("get", "create", "update", "patch"));
        assertThat(rights(OPERATOR, Chart.NAMESPACE)).isEqualTo(home);
    }

    @Test
    void anAgentMayDoThisAndNothingElse() {
        for (final String namespace : List.of(Objects.NAMESPACE, Chart.NAMESPACE)) {
            assertThat(rights(AGENT, namespace))
                    .isEqualTo(Map.of(
                            "podviews.atlasviews.dev", List.of("get", "list", "watch"),
                            "podviews.atlasviews.dev/status", List.of("patch"),
                            "viewpatchartifacts.atlasviews.dev", List.of("get"),
                            "viewnodes.atlasviews.dev", List.of("get", "create", "patch"),
                            "viewnodes.atlasviews.dev/status", List.of("patch"),
                            "nodes", List.of("get")));
        }
    }

    @Test
    void theRolesForPeopleGiveThisAndNothingElseInTheirNamespaceOnly() {
        final List<String> all = List.of("get", "list", "watch", "create", "update", "patch", "delete");
        final List<String> look = List.of("get", "list", "watch");
        assertThat(rights(user("carol"), Objects.NAMESPACE))
                .isEqualTo(Map.of("viewpatches.atlasviews.dev", all, "viewpatchartifacts.atlasviews.dev", all));
        assertThat(rights(user("dave"), Objects.NAMESPACE))
                .isEqualTo(Map.of("viewpatches.atlasviews.dev", look, "podviews.atlasviews.dev", look));
        // Erin has what Carol has.
        for (final String user : List.of("dave", "erin")) {
            assertThat(rights(user(user), Chart.NAMESPACE)).as(user).isEmpty();
        }
    }

    @Test
    void whoMayEditOneNamespaceWritesAViewPatchInNoOther() {
        try (KubernetesClient erin = server.client(Objects.NAMESPACE, "erin")) {
            assertThat(erin.pods().inNamespace(Objects.NAMESPACE).list().getItems())
                    .isNotNull();
            final ViewPatch own = Workload.patch("erins");
            assertThat(erin.resource(own).dryRun().create().getMetadata().getUid())
                    .isNotEmpty();
            final ViewPatch foreign = Workload.patch("fix");
            foreign.getMetadata().setNamespace(Chart.NAMESPACE);
            assertForbidden(() -> erin.resource(foreign).create());
            final ViewPatchArtifact artifact = Workload.artifact();
            artifact.getMetadata().setNamespace(Chart.NAMESPACE);
            assertForbidden(() -> erin.resource(artifact).create());
            assertForbidden(
                    () -> erin.resources(ViewPatch.class).inAnyNamespace().list());
            assertForbidden(() ->
                    erin.resources(PodView.class).inNamespace(Objects.NAMESPACE).delete());
        }
    }

    private static Map<String, List<String>> rights(final String user, final String namespace) {
        return Rights.of(administrator, user, namespace);
    }

    private static String user(final String account) {
        return "system:serviceaccount:%s:%s".formatted(Objects.NAMESPACE, account);
    }

    @Test
    void theOperatorLabelsNodesWhereItIsGivenThatAndReadsNone() {
        final Node node = administrator
                .resource(new NodeBuilder()
                        .withNewMetadata()
                        .withName("node-1")
                        .endMetadata()
                        .build())
                .create();
        try (KubernetesClient operator = server.client(Chart.NAMESPACE, "atlas-operator")) {
            assertForbidden(() -> NodeLabel.write(operator, "node-1", true));

            grantOperator("1.34.0");
            await().atMost(LIMIT)
                    .ignoreException(KubernetesClientException.class)
                    .until(() -> {
                        NodeLabel.write(operator, "node-1", true);
                        return true;
                    });
            assertThat(administrator.resource(node).get().getMetadata().getLabels())
                    .containsEntry(Atlas.VIEWS_LABEL, Atlas.VIEWS_AVAILABLE);
            NodeLabel.write(operator, "node-that-is-gone", true);
            assertThat(administrator.nodes().withName("node-that-is-gone").get())
                    .isNull();

            assertForbidden(() -> operator.resource(node).get());
            assertForbidden(() -> operator.nodes().list());
            assertForbidden(() -> operator.resource(node).delete());
            assertForbidden(() -> operator.resource(node).subresource("status").patch(JSON_MERGE, "{\"status\":{}}"));
        } finally {
            grantOperator("1.20.2");
            administrator.resource(node).delete();
        }
    }

    /** As the chart does on a server of some version. */
    private static void grantOperator(final String kubernetes) {
        administrator
                .resource(Chart.only(Chart.render(kubernetes), ClusterRole.class, "atlas-operator"))
                .fieldManager("test")
                .serverSideApply();
    }

    /** What the operator said of the pod, in one word. */
    private static @Nullable String gate(final Pod pod) {
        return PatchedCondition.of(administrator.resource(pod).get())
                .map(PodCondition::getReason)
                .orElse(null);
    }

    @Test
    void anAgentReportsItsNodeAndNothingMore() {
        final var node = new ViewNode();
        node.setMetadata(new ObjectMetaBuilder().withName("node-1").build());
        try (KubernetesClient agent = server.client(Chart.NAMESPACE, "atlas-agent")) {
            assertThat(agent.nodes().withName("node-1").get()).isNull();
            final ViewNode stored = agent.resource(node).create();
            final ViewNode reported = agent.resource(stored).editStatus(current -> {
                current.setStatus(new ViewNodeStatus(
                        "boot",
                        "0.1.0",
                        "atlas-agent-x",
                        new KernelStatus("6.1.0", "x86_64", null, null),
                        null,
                        List.of()));
                return current;
            });
            assertThat(reported.getStatus().kernel().release()).isEqualTo("6.1.0");
            assertForbidden(() -> agent.secrets().inNamespace(Chart.NAMESPACE).list());
            assertForbidden(() -> agent.pods().inAnyNamespace().list());
            assertForbidden(() -> agent.resource(Workload.patch("fix")).create());
            assertForbidden(() -> agent.resource(node).delete());
            assertForbidden(() -> agent.nodes().list());
        }
    }

    @Test
    void whatLooksBeforeUninstallingListsViewPatchesAndDeletesThemOnlyWhereItIsToRevert(@TempDir final Path charts)
            throws IOException {
        final ViewPatch patch = Workload.patch("last");
        administrator.resource(patch).create();
        try (KubernetesClient hook = server.client(Chart.NAMESPACE, "atlas-uninstall")) {
            final var patches = hook.resources(ViewPatch.class);
            assertForbidden(() -> patches.inAnyNamespace().list());

            grantHook(charts, "Refuse");
            await().atMost(LIMIT)
                    .ignoreException(KubernetesClientException.class)
                    .until(() -> !patches.inAnyNamespace().list().getItems().isEmpty());
            assertForbidden(() -> hook.resource(patch).delete());
            assertForbidden(() -> hook.resources(PodView.class).inAnyNamespace().list());

            grantHook(charts, "Revert");
            await().atMost(LIMIT)
                    .ignoreException(KubernetesClientException.class)
                    .until(() -> {
                        hook.resource(patch).delete();
                        return true;
                    });
            assertThat(administrator.resource(patch).get()).isNull();

            assertForbidden(() -> hook.resource(patch).get());
            assertForbidden(() -> hook.resource(patch).create());
            assertForbidden(() -> hook.resource(patch).patch(JSON_MERGE, "{\"metadata\":{\"finalizers\":null}}"));
            assertThat(hook.resources(PodView.class).inAnyNamespace().list()).isNotNull();
            assertForbidden(() -> hook.resources(PodView.class)
                    .inNamespace(Objects.NAMESPACE)
                    .withName("any")
                    .delete());
            assertForbidden(() -> hook.pods().inAnyNamespace().list());
            assertForbidden(() -> hook.secrets().inNamespace(Chart.NAMESPACE).list());
        }
    }

    private static void grantHook(final Path charts, final String value) throws IOException {
        Chart.renderWithHooks(charts, "1.20.2", command -> command.set("uninstall.livePatches", value)).stream()
                .filter(object -> object instanceof ClusterRole || object instanceof ClusterRoleBinding)
                .filter(object -> object.getMetadata().getName().equals("atlas-uninstall"))
                .forEach(object ->
                        administrator.resource(object).fieldManager("test").serverSideApply());
    }

    private static void assertForbidden(final ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        KubernetesClientException.class,
                        e -> assertThat(e.getCode()).isEqualTo(403));
    }

    /** What an agent reports when no process of the pod is concerned. */
    private static void report(final KubernetesClient agent, final Pod pod) {
        agent.resource(requireNonNull(Workload.view(administrator, pod))).editStatus(current -> {
            current.setStatus(new PodViewStatus(
                    current.getMetadata().getGeneration(),
                    new PodViewSummary(LayerState.NOTHING_TO_DO, 1, ThreadCounts.NONE, null),
                    List.of()));
            return current;
        });
    }

    private static int podsWithNothingToDo() {
        final var status = administrator.resource(Workload.patch("fix")).get().getStatus();
        return status == null || status.pods() == null ? 0 : status.pods().nothingToDo();
    }
}

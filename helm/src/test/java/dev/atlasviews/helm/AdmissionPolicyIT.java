// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.testing.CurrentApiServer;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicy;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingAdmissionPolicyBinding;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Today's API server enforces the chart's admission policies for our own kinds. */
final class AdmissionPolicyIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String NEEDS_EXEC = "needs the right to exec into the pods of its namespace";
    private static final String BY_OPERATOR = "a PodView is what the operator made of ViewPatches";
    private static final String OWN_NODE = "an agent writes about its own node only";
    private static final String ALICE = "alice";
    private static final String BOB = "bob";
    private static final String COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector";
    private static final String OPERATOR = "system:serviceaccount:atlas-system:atlas-operator";
    private static final String AGENT = "system:serviceaccount:atlas-system:atlas-agent";
    private static final Map<String, List<String>> NODE_1 =
            Map.of("authentication.kubernetes.io/node-name", List.of("node-1"));

    @TempDir
    private static Path folder;

    private static CurrentApiServer server;
    private static KubernetesClient administrator;

    @BeforeAll
    static void install() throws Exception {
        server = CurrentApiServer.start(folder);
        try (KubernetesClient rights = server.core().client()) {
            Chart.install(rights, command -> command);
            grant(
                    rights,
                    "atlasviews.dev",
                    "viewpatches",
                    List.of("get", "create", "update", "patch"),
                    ALICE,
                    BOB,
                    COLLECTOR);
            grant(
                    rights,
                    "atlasviews.dev",
                    "podviews",
                    List.of("get", "create", "update", "patch", "delete"),
                    ALICE,
                    COLLECTOR);
            grant(rights, "", "pods/exec", List.of("create"), ALICE);
        }
        administrator = server.client();
        Chart.render("1.34.0").stream()
                .filter(AdmissionPolicyIT::isPolicy)
                .forEach(policy -> administrator.resource(policy).create());
        // A policy is in force when the server's watch has brought it, and the others with it.
        try (KubernetesClient bob = server.client(BOB, Map.of())) {
            await("the policies are in force")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertRefused(
                            () -> bob.resource(patch("probe")).dryRun().create(), NEEDS_EXEC));
        }
        try (KubernetesClient alice = server.client(ALICE, Map.of())) {
            await("the policies are in force")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertRefused(
                            () -> alice.resource(view("probe", "node-1"))
                                    .dryRun()
                                    .create(),
                            BY_OPERATOR));
        }
        try (KubernetesClient agent = server.client(AGENT, Map.of())) {
            await("the policies are in force")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertRefused(
                            () -> agent.resource(node("probe")).dryRun().create(), OWN_NODE));
        }
    }

    @AfterAll
    static void stop() {
        administrator.close();
        server.close();
    }

    @Test
    void whoDecidesOverProcessesNeedsTheRightToExec() {
        try (KubernetesClient alice = server.client(ALICE, Map.of());
                KubernetesClient bob = server.client(BOB, Map.of())) {
            assertRefused(() -> bob.resource(patch("first")).create(), NEEDS_EXEC);
            final ViewPatch stored = alice.resource(patch("first")).create();
            assertThat(stored.getMetadata().getFinalizers()).containsExactly(Atlas.REVERT_FINALIZER);
            assertRefused(() -> edit(bob, "first", AdmissionPolicyIT::otherDigest), NEEDS_EXEC);
            assertRefused(() -> edit(bob, "first", patch -> patch.getMetadata().setFinalizers(List.of())), NEEDS_EXEC);
            assertRefused(
                    () -> edit(
                            bob,
                            "first",
                            patch -> patch.getMetadata().setAnnotations(Map.of(Atlas.FORCE_ANNOTATION, "true"))),
                    NEEDS_EXEC);
            assertThatCode(() -> edit(bob, "first", patch -> patch.getMetadata().setLabels(Map.of("team", "bob"))))
                    .doesNotThrowAnyException();
            assertThatCode(() -> edit(alice, "first", AdmissionPolicyIT::otherDigest))
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void theGarbageCollectorMayRemoveItsOwnFinalizer() {
        final ViewPatch deleted = patch("second");
        deleted.getMetadata().setFinalizers(List.of(Atlas.REVERT_FINALIZER, "foregroundDeletion"));
        administrator.resource(deleted).create();
        try (KubernetesClient collector = server.client(COLLECTOR, Map.of())) {
            assertThatCode(() -> edit(
                            collector,
                            "second",
                            patch -> patch.getMetadata().setFinalizers(List.of(Atlas.REVERT_FINALIZER))))
                    .doesNotThrowAnyException();
            assertRefused(
                    () -> edit(collector, "second", patch -> patch.getMetadata().setFinalizers(List.of())), NEEDS_EXEC);
        }
    }

    @Test
    void theOperatorChangesNoSpecification() {
        administrator.resource(patch("third")).create();
        try (KubernetesClient operator = server.client(OPERATOR, Map.of())) {
            assertRefused(
                    () -> edit(operator, "third", AdmissionPolicyIT::otherDigest),
                    "the operator changes no specification");
            assertThatCode(() ->
                            edit(operator, "third", patch -> patch.getMetadata().setFinalizers(List.of())))
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void whatAgentsActOnIsTheOperatorsToWrite() {
        try (KubernetesClient operator = server.client(OPERATOR, Map.of());
                KubernetesClient alice = server.client(ALICE, Map.of());
                KubernetesClient collector = server.client(COLLECTOR, Map.of())) {
            assertRefused(() -> alice.resource(view("made-up", "node-1")).create(), BY_OPERATOR);
            assertRefused(
                    () -> administrator.resource(view("made-up", "node-1")).create(), BY_OPERATOR);

            final PodView made = view("made", "node-1");
            made.getMetadata().setFinalizers(List.of("foregroundDeletion"));
            operator.resource(made).create();
            assertThatCode(() -> editView(operator, view -> view.setSpec(withContainer(view.getSpec()))))
                    .doesNotThrowAnyException();
            assertRefused(
                    () -> editView(
                            alice,
                            view -> view.setSpec(new PodViewSpec(
                                    view.getSpec().podName(), view.getSpec().nodeName(), List.of()))),
                    BY_OPERATOR);
            assertRefused(() -> editView(alice, view -> view.getMetadata().setLabels(Map.of())), BY_OPERATOR);
            assertThatCode(() -> editView(
                            alice,
                            view -> view.getMetadata().setLabels(Map.of(Atlas.NODE_LABEL, "node-1", "team", "alice"))))
                    .doesNotThrowAnyException();
            assertThatCode(() -> editView(collector, view -> view.getMetadata().setFinalizers(List.of())))
                    .doesNotThrowAnyException();
            assertThatCode(() -> collector.resource(made).delete()).doesNotThrowAnyException();
        }
    }

    private static PodViewSpec withContainer(final PodViewSpec spec) {
        return new PodViewSpec(
                spec.podName(), spec.nodeName(), List.of(new ContainerLayers("redis", Objects.CONTAINER, List.of())));
    }

    private static void editView(final KubernetesClient client, final Consumer<PodView> change) {
        client.resources(PodView.class)
                .inNamespace(Objects.NAMESPACE)
                .withName("made")
                .edit(view -> {
                    change.accept(view);
                    return view;
                });
    }

    @Test
    void anAgentWritesAboutTheNodeOfItsToken() {
        try (KubernetesClient operator = server.client(OPERATOR, Map.of())) {
            operator.resource(view("view-1", "node-1")).create();
            operator.resource(view("view-2", "node-2")).create();
        }
        try (KubernetesClient agent = server.client(AGENT, NODE_1);
                KubernetesClient withoutNode = server.client(AGENT, Map.of())) {
            assertThatCode(() -> agent.resource(node("node-1")).create()).doesNotThrowAnyException();
            assertRefused(() -> agent.resource(node("node-2")).create(), OWN_NODE);
            assertRefused(() -> withoutNode.resource(node("node-3")).create(), OWN_NODE);
            assertThatCode(() -> report(agent, "view-1")).doesNotThrowAnyException();
            assertRefused(() -> report(agent, "view-2"), OWN_NODE);
            assertRefused(() -> report(withoutNode, "view-1"), OWN_NODE);
        }
    }

    private static void grant(
            final KubernetesClient rights,
            final String group,
            final String resource,
            final List<String> verbs,
            final String... users) {
        final String name = "test-" + resource.replace('/', '-');
        rights.resource(new ClusterRoleBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .endMetadata()
                        .addNewRule()
                        .withApiGroups(group)
                        .withResources(resource)
                        .withVerbs(verbs)
                        .endRule()
                        .build())
                .create();
        final var binding = new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withNewRoleRef()
                .withApiGroup("rbac.authorization.k8s.io")
                .withKind("ClusterRole")
                .withName(name)
                .endRoleRef();
        for (final String user : users) {
            binding.addNewSubject()
                    .withApiGroup("rbac.authorization.k8s.io")
                    .withKind("User")
                    .withName(user)
                    .endSubject();
        }
        rights.resource(binding.build()).create();
    }

    private static boolean isPolicy(final HasMetadata object) {
        return object instanceof ValidatingAdmissionPolicy || object instanceof ValidatingAdmissionPolicyBinding;
    }

    private static void assertRefused(final ThrowingCallable call, final String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        KubernetesClientException.class,
                        e -> assertThat(e.getCode()).isEqualTo(403))
                .hasMessageContaining(message);
    }

    private static void edit(final KubernetesClient client, final String name, final Consumer<ViewPatch> change) {
        client.resources(ViewPatch.class)
                .inNamespace(Objects.NAMESPACE)
                .withName(name)
                .edit(patch -> {
                    change.accept(patch);
                    return patch;
                });
    }

    private static void otherDigest(final ViewPatch patch) {
        final Digest digest = Objects.digest("other");
        patch.setSpec(Objects.spec(digest, null, NewPods.APPLY));
    }

    private static void report(final KubernetesClient agent, final String view) {
        agent.resources(PodView.class)
                .inNamespace(Objects.NAMESPACE)
                .withName(view)
                .editStatus(current -> {
                    current.setStatus(new PodViewStatus(
                            1L, new PodViewSummary(LayerState.NOTHING_TO_DO, 1, ThreadCounts.NONE, null), List.of()));
                    return current;
                });
    }

    private static ViewPatch patch(final String name) {
        final var patch = new ViewPatch();
        patch.setMetadata(new ObjectMetaBuilder()
                .withNamespace(Objects.NAMESPACE)
                .withName(name)
                .withFinalizers(Atlas.REVERT_FINALIZER)
                .build());
        patch.setSpec(Objects.spec(Objects.digest(name), null, NewPods.APPLY));
        return patch;
    }

    private static PodView view(final String name, final String node) {
        final var view = new PodView();
        view.setMetadata(new ObjectMetaBuilder()
                .withNamespace(Objects.NAMESPACE)
                .withName(name)
                .addToLabels(Atlas.NODE_LABEL, Atlas.nodeLabel(node))
                .build());
        view.setSpec(new PodViewSpec("pod-of-" + name, node, List.of()));
        return view;
    }

    private static ViewNode node(final String name) {
        final var node = new ViewNode();
        node.setMetadata(new ObjectMetaBuilder().withName(name).build());
        return node;
    }
}

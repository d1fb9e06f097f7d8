// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.operator.Objects;
import dev.atlasviews.operator.uninstall.BeforeUninstall;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Helm itself, on a real API server: an operator does not go while it is needed to take patches back. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class UninstallIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String HOOK = "atlas-uninstall";

    @TempDir
    private static Path folder;

    private static ApiServer server;
    private static KubernetesClient client;
    private static Path kubeconfig;
    private static JobController jobs;

    @BeforeAll
    static void start() throws Exception {
        server = ApiServer.start(Files.createDirectory(folder.resolve("server")));
        client = server.client();
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(Objects.NAMESPACE)
                        .endMetadata()
                        .build())
                .create();
        kubeconfig = server.kubeconfig(Chart.NAMESPACE);
        jobs = new JobController(client, kubeconfig, folder);
    }

    @AfterAll
    static void stop() {
        jobs.close();
        client.close();
        server.close();
    }

    /** Also where the test failed before. */
    @AfterEach
    void remove() {
        Helm.uninstall(Chart.RELEASE)
                .withNamespace(Chart.NAMESPACE)
                .withKubeConfig(kubeconfig)
                .noHooks()
                .ignoreNotFound()
                .call();
    }

    @Test
    void nothingIsRemovedWhileViewPatchesAreLive() throws Exception {
        install(command -> command);
        final ViewPatch patch = Workload.patch("fix");
        patch.getMetadata().setFinalizers(List.of(Atlas.REVERT_FINALIZER));
        final ViewPatch live = client.resource(patch).create();

        assertThatThrownBy(UninstallIT::uninstall).hasMessageContaining("BackoffLimitExceeded");
        assertThat(jobs.log()).contains("Nothing is uninstalled", "shop/fix", "kubectl delete viewpatches");
        assertThat(operatorIsThere()).isTrue();
        assertThat(client.resource(live).get()).isEqualTo(live);
        assertThat(rights()).as("they go with the hook").isEmpty();

        final List<String> said = new ArrayList<>();
        assertThat(new BeforeUninstall(client, said::add).revert(Duration.ofSeconds(1)))
                .isFalse();
        assertThat(said.getLast()).contains("Nothing is uninstalled: after 1 s", "shop/fix");

        client.resources(ViewPatch.class)
                .inNamespace(Objects.NAMESPACE)
                .withName("fix")
                .edit(current -> {
                    current.getMetadata().setFinalizers(List.of());
                    return current;
                });
        uninstall();
        assertThat(jobs.log()).contains("No ViewPatch is live");
        assertThat(operatorIsThere()).isFalse();
        assertThat(rights()).isEmpty();
    }

    @Test
    void theOperatorTakesAllBackBeforeItGoesWhereThatIsAskedFor() throws Exception {
        install(command -> command.set("uninstall.livePatches", "Revert"));
        final Pod pod = Workload.runningPod(client, "redis-0");
        client.resource(Workload.artifact()).create();
        for (final String name : List.of("first", "second")) {
            client.resource(Workload.patch(name)).create();
        }
        try (OperatorProcess operator = OperatorProcess.start(folder, "operator", kubeconfig, Map.of())) {
            await().atMost(LIMIT).until(() -> Workload.view(client, pod) != null);
            final var uninstalled = CompletableFuture.runAsync(UninstallIT::uninstall);
            await().atMost(LIMIT)
                    .ignoreExceptions()
                    .untilAsserted(() -> assertThat(jobs.log())
                            .contains(
                                    "shop/first: Reverting, ",
                                    "shop/second: Reverting, ",
                                    "pod redis-0 on node node-1"));
            assertThat(uninstalled).isNotDone();
            assertThat(operatorIsThere()).isTrue();

            client.resource(pod).withGracePeriod(0).delete();
            await().atMost(LIMIT)
                    .ignoreExceptions()
                    .untilAsserted(() ->
                            assertThat(jobs.log()).contains("Waiting until these PodViews have no layers:\n  shop/"));
            assertThat(uninstalled).isNotDone();
            assertThat(operatorIsThere()).isTrue();
            final List<String> said = new ArrayList<>();
            assertThat(new BeforeUninstall(client, said::add).revert(Duration.ofSeconds(0)))
                    .isFalse();
            assertThat(said).singleElement().asString().contains("after 0 s PodViews have layers", "redis-0");

            // With its pod, as the garbage collector would.
            client.resource(Workload.view(client, pod)).delete();
            assertThat(uninstalled).succeedsWithin(LIMIT);
            assertThat(operator.log()).contains("shop/first has been taken back everywhere");
        }
        assertThat(client.resources(ViewPatch.class).inAnyNamespace().list().getItems())
                .isEmpty();
        assertThat(operatorIsThere()).isFalse();
    }

    @Test
    @Order(Integer.MAX_VALUE) // takes from the others what they need
    void nothingIsLiveOnceTheDefinitionIsGone() {
        final var definition =
                client.apiextensions().v1().customResourceDefinitions().withName("viewpatches.atlasviews.dev");
        definition.delete();
        await().atMost(LIMIT).until(() -> definition.get() == null);

        final List<String> said = new ArrayList<>();
        assertThat(new BeforeUninstall(client, said::add).refuse()).isTrue();
        assertThat(said).containsExactly("No ViewPatch is live.");
    }

    private static void install(final UnaryOperator<InstallCommand> values) {
        values.apply(Chart.installation(kubeconfig)).call();
    }

    private static void uninstall() {
        Helm.uninstall(Chart.RELEASE)
                .withNamespace(Chart.NAMESPACE)
                .withKubeConfig(kubeconfig)
                .call();
    }

    private static boolean operatorIsThere() {
        return client.apps()
                        .deployments()
                        .inNamespace(Chart.NAMESPACE)
                        .withName("atlas-operator")
                        .get()
                != null;
    }

    /** What the hook may do, now that it is over. */
    private static List<HasMetadata> rights() {
        return Stream.<HasMetadata>of(
                        client.rbac().clusterRoles().withName(HOOK).get(),
                        client.rbac().clusterRoleBindings().withName(HOOK).get(),
                        client.serviceAccounts()
                                .inNamespace(Chart.NAMESPACE)
                                .withName(HOOK)
                                .get())
                .filter(java.util.Objects::nonNull)
                .toList();
    }
}

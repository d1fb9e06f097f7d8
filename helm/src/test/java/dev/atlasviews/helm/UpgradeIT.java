// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static dev.atlasviews.operator.Objects.digest;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.Release;
import com.marcnuri.helm.UpgradeCommand;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.WithoutRules;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Helm itself, on a real API server: what an upgrade changes, and what it leaves alone. */
final class UpgradeIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String DEFINITION = "viewpatches.atlasviews.dev";
    /** A field that the definition gets by the upgrade. */
    private static final String LATER = "mode";

    @TempDir
    private static Path folder;

    private static ApiServer server;
    private static KubernetesClient client;

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
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    @Test
    void anUpgradeChangesWhatItIsAskedToAndNoViewPatch() throws Exception {
        final Path kubeconfig = server.kubeconfig(Chart.NAMESPACE);
        // As a release that was uninstalled leaves them.
        assertRefusedWhileADefinitionIsOlder(
                () -> Chart.installation(kubeconfig).call());
        assertThat(agent()).isNull();
        Chart.installation(kubeconfig).call();
        assertThat(stateDirectory()).isEqualTo("/var/lib/atlas");
        assertRefusedWhileADefinitionIsOlder(
                () -> upgrade(kubeconfig, command -> command.set("agent.stateDirectory", "/data/atlas")));
        assertThat(stateDirectory()).isEqualTo("/var/lib/atlas");
        final ViewPatch patch = client.resource(Workload.patch("fix")).create();

        final Release second = upgrade(
                kubeconfig,
                command -> command.set("operator.replicas", 1)
                        .set("agent.stateDirectory", "/data/atlas")
                        .set("metrics.dashboard.enabled", true));
        assertThat(second.getRevision()).isEqualTo("2");
        assertThat(stateDirectory()).isEqualTo("/data/atlas");
        assertThat(replicas()).isEqualTo(1);
        assertThat(dashboardIsThere()).isTrue();
        assertUnchanged(patch);

        final Path key = Files.writeString(folder.resolve("key.pub"), "-----BEGIN PUBLIC KEY-----\n");
        upgrade(
                kubeconfig,
                command -> command.resetThenReuseValues()
                        .setFile("patches.trustedKeys.alice", key)
                        .setFile("patches.trustedKeys.bob", key));
        assertThat(trustedKeys()).containsExactlyInAnyOrder("alice", "bob");
        upgrade(kubeconfig, command -> command.resetThenReuseValues().set("patches.trustedKeys.alice", "null"));
        assertThat(trustedKeys()).containsExactly("bob");
        assertThat(stateDirectory()).isEqualTo("/data/atlas");

        upgrade(kubeconfig, UpgradeCommand::resetValues);
        assertThat(stateDirectory()).isEqualTo("/var/lib/atlas");
        assertThat(dashboardIsThere()).isFalse();
        assertUnchanged(patch);

        // The operator did not run, and took no ViewPatch up.
        try (var _ = new JobController(client, kubeconfig, folder)) {
            Helm.uninstall(Chart.RELEASE)
                    .withNamespace(Chart.NAMESPACE)
                    .withKubeConfig(kubeconfig)
                    .call();
        }
        assertThat(client.apps()
                        .daemonSets()
                        .inNamespace(Chart.NAMESPACE)
                        .list()
                        .getItems())
                .isEmpty();
        assertUnchanged(patch);
    }

    @Test
    void theDefinitionsAreUpgradedByTheCommandOfTheManual() throws Exception {
        replaceByOlderDefinition();
        await("the older definition is in force")
                .atMost(LIMIT)
                .until(() -> !specification("trial", true).containsKey(LATER));
        final Map<String, Object> before = specification("old", false);
        final String uid = stored("old").getMetadata().getUid();
        assertThat(before).doesNotContainKey(LATER);

        // What "helm show crds" prints, without the rules that this server does not know.
        final String shown = Chart.helm().show().crds().call();
        final Path definitions = folder.resolve("definitions");
        WithoutRules.main(new String[] {definitions.toString()});
        assertThat(shown.split("(?m)^kind: CustomResourceDefinition$", -1))
                .hasSize(Math.toIntExact(files(definitions)) + 1);
        server.kubectl("apply", "--server-side", "--force-conflicts", "-f", definitions.toString());

        await("the newer definition is in force")
                .atMost(LIMIT)
                .until(() -> "Observe".equals(specification("trial", true).get(LATER)));
        assertThat(stored("old").getMetadata().getUid()).isEqualTo(uid);
        assertThat(client.resources(ViewPatch.class)
                        .inNamespace(Objects.NAMESPACE)
                        .withName("old")
                        .get()
                        .getSpec()
                        .mode())
                .isEqualTo(Mode.APPLY);
    }

    /** Else nothing that is new could be written, and nobody would be told. */
    private static void assertRefusedWhileADefinitionIsOlder(final ThrowingCallable helm) {
        final CustomResourceDefinition current = replaceByOlderDefinition(
                "podviews.atlasviews.dev",
                "origin",
                schema -> elements(elements(property(schema, "spec"), "containers"), "layers"));
        try {
            assertThatThrownBy(helm)
                    .hasMessageContaining("definition of podviews.atlasviews.dev is of another release")
                    .hasMessageContaining("it has no field .spec.containers[].layers[].origin")
                    .hasMessageContaining("helm show crds CHART | kubectl apply");
        } finally {
            client.resource(new CustomResourceDefinitionBuilder(current)
                            .editMetadata()
                            .withResourceVersion(null)
                            .endMetadata()
                            .build())
                    .update();
        }
    }

    private static long files(final Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.count();
        }
    }

    private static Release upgrade(final Path kubeconfig, final UnaryOperator<UpgradeCommand> values) {
        return values.apply(Chart.helm()
                        .upgrade()
                        .withName(Chart.RELEASE)
                        .withNamespace(Chart.NAMESPACE)
                        .withKubeConfig(kubeconfig)
                        .skipCrds())
                .call();
    }

    /** Not even its version. */
    private static void assertUnchanged(final ViewPatch patch) {
        assertThat(client.resource(patch).get().getMetadata())
                .usingRecursiveComparison()
                .isEqualTo(patch.getMetadata());
        assertThat(client.resource(patch).get().getSpec()).isEqualTo(patch.getSpec());
    }

    private static @Nullable DaemonSet agent() {
        return client.apps()
                .daemonSets()
                .inNamespace(Chart.NAMESPACE)
                .withName("atlas-agent")
                .get();
    }

    private static String stateDirectory() {
        return requireNonNull(agent()).getSpec().getTemplate().getSpec().getVolumes().stream()
                .filter(volume -> volume.getName().equals("state"))
                .map(volume -> volume.getHostPath().getPath())
                .findFirst()
                .orElseThrow();
    }

    private static int replicas() {
        return client.apps()
                .deployments()
                .inNamespace(Chart.NAMESPACE)
                .withName("atlas-operator")
                .get()
                .getSpec()
                .getReplicas();
    }

    private static Set<String> trustedKeys() {
        return client.configMaps()
                .inNamespace(Chart.NAMESPACE)
                .withName("atlas-trusted-keys")
                .get()
                .getData()
                .keySet();
    }

    private static boolean dashboardIsThere() {
        return client.configMaps()
                        .inNamespace(Chart.NAMESPACE)
                        .withName("atlas-dashboard")
                        .get()
                != null;
    }

    /** The definition as an earlier version of the project may have had it. */
    private static void replaceByOlderDefinition() {
        replaceByOlderDefinition(DEFINITION, LATER, schema -> property(schema, "spec"));
    }

    /** Returns the one that was there. */
    private static CustomResourceDefinition replaceByOlderDefinition(
            final String definition, final String later, final UnaryOperator<JSONSchemaProps> owner) {
        final CustomResourceDefinition current = client.apiextensions()
                .v1()
                .customResourceDefinitions()
                .withName(definition)
                .get();
        final CustomResourceDefinition older = new CustomResourceDefinitionBuilder(current)
                .editMetadata()
                .withManagedFields()
                .endMetadata()
                .build();
        // What is built from an object shares its schema.
        final CustomResourceDefinition before =
                client.getKubernetesSerialization().clone(older);
        final JSONSchemaProps schema =
                older.getSpec().getVersions().getFirst().getSchema().getOpenAPIV3Schema();
        assertThat(owner.apply(schema).getProperties().remove(later)).isNotNull();
        client.resource(older).update();
        return before;
    }

    private static JSONSchemaProps property(final JSONSchemaProps schema, final String name) {
        return requireNonNull(schema.getProperties().get(name));
    }

    private static JSONSchemaProps elements(final JSONSchemaProps schema, final String name) {
        return property(schema, name).getItems().getSchema();
    }

    /** What the server makes of a specification that has the later field. */
    @SuppressWarnings("unchecked") // the specification of any resource is an object
    private static Map<String, Object> specification(final String name, final boolean onlyTry) {
        final HasMetadata resource = client.getKubernetesSerialization()
                .unmarshal(
                        """
                        apiVersion: atlasviews.dev/v1alpha1
                        kind: ViewPatch
                        metadata: {name: %s, namespace: %s}
                        spec:
                          selector: {matchLabels: {app: redis}}
                          change: {patch: {artifactRef: {name: artifact}, digest: "%s"}}
                          %s: Observe
                        """.formatted(name, Objects.NAMESPACE, digest("new code"), LATER),
                        GenericKubernetesResource.class);
        final var call = client.resource(resource);
        final var answer = (GenericKubernetesResource) (onlyTry ? call.dryRun().create() : call.create());
        return (Map<String, Object>)
                requireNonNull(answer.getAdditionalProperties().get("spec"));
    }

    private static GenericKubernetesResource stored(final String name) {
        return client.genericKubernetesResources("atlasviews.dev/v1alpha1", "ViewPatch")
                .inNamespace(Objects.NAMESPACE)
                .withName(name)
                .get();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.crds.testing.CurrentApiServer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Today's API server takes the definitions as they stand, and refuses what their CEL rules forbid. */
final class RulesIT {
    @TempDir
    private static Path folder;

    private static CurrentApiServer server;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws Exception {
        server = CurrentApiServer.start(folder);
        client = server.client();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    @Test
    void noneOfTheDefinitionsHasAnythingThatItDoesNotTake() {
        assertThat(Definitions.read(client.getKubernetesSerialization())).allSatisfy(definition -> {
            final CustomResourceDefinition stored = client.resource(definition).get();
            assertThat(stored.getStatus().getConditions())
                    .as("conditions of %s", definition.getMetadata().getName())
                    .allSatisfy(condition -> assertThat(condition.getStatus())
                            .as("%s: %s", condition.getType(), condition.getMessage())
                            .isEqualTo(condition.getType().equals("NonStructuralSchema") ? "False" : "True"));
            assertThat(rules(stored)).isEqualTo(rules(definition));
        });
    }

    @Test
    void anArtifactNeverChanges() {
        final String artifact = """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatchArtifact
            metadata: {namespace: default, name: fix}
            spec: {content: bmV3IGNvZGU=}
            """;
        create(artifact);
        assertRefused(artifact.replace("bmV3IGNvZGU=", "b3RoZXIgY29kZQ=="), "a ViewPatchArtifact never changes");
    }

    @Test
    void aPodViewStaysWithItsPodOnItsNode() {
        final String view = """
            apiVersion: atlasviews.dev/v1alpha1
            kind: PodView
            metadata: {namespace: default, name: 0f1e}
            spec: {podName: redis-0, nodeName: node-1, containers: []}
            """;
        create(view);
        assertRefused(view.replace("redis-0", "redis-1"), "a PodView stays with its pod");
        assertRefused(view.replace("node-1", "node-2"), "a PodView stays on its node");
    }

    private static long rules(final CustomResourceDefinition definition) {
        return client.getKubernetesSerialization()
                .asYaml(definition.getSpec())
                .lines()
                .filter(line -> line.strip().startsWith("x-kubernetes-validations"))
                .count();
    }

    private static void create(final String yaml) {
        client.resource(parse(yaml)).create();
    }

    private static void assertRefused(final String changed, final String message) {
        assertThatThrownBy(() -> client.resource(parse(changed))
                        .fieldManager("test")
                        .forceConflicts()
                        .serverSideApply())
                .isInstanceOfSatisfying(
                        KubernetesClientException.class,
                        e -> assertThat(e.getCode()).isEqualTo(422))
                .hasMessageContaining(message);
    }

    private static GenericKubernetesResource parse(final String yaml) {
        return client.getKubernetesSerialization().unmarshal(yaml, GenericKubernetesResource.class);
    }
}

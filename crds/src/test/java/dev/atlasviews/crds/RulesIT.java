// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.atlasviews.crds.testing.CurrentApiServer;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Today's API server takes the definitions as they stand, and refuses what their CEL rules and bounds forbid. */
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

    @ParameterizedTest
    @MethodSource({"forbidden", "outOfBounds"})
    void whatIsForbiddenIsRefused(final Forbidden forbidden) {
        client.resource(parse(forbidden.allowed())).create();
        assertRefused(forbidden.allowed().replace(forbidden.part(), forbidden.by()), forbidden.message());
    }

    @Test
    void everyRuleHasATest() {
        final List<String> messages = Definitions.read(client.getKubernetesSerialization()).stream()
                .flatMap(definition -> messages(
                        client.getKubernetesSerialization().convertValue(definition.getSpec(), JsonNode.class)))
                .toList();
        assertThat(messages)
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(
                        forbidden().map(Forbidden::message).distinct().toList());
    }

    /**
     * An object that is taken, and a change of it that is not.
     *
     * @param message what is said of it: of a rule the whole message
     * @param allowed the object
     * @param part what is changed of it
     * @param by what comes in its place
     */
    record Forbidden(String message, String allowed, String part, String by) {
        @Override
        public String toString() {
            return message;
        }
    }

    static Stream<Forbidden> forbidden() {
        final String digest = "sha256:" + "0".repeat(64);
        return Stream.of(
                new Forbidden(
                        "a ViewPatchArtifact never changes: create another one and name it in the ViewPatch",
                        artifact("immutable", "{content: bmV3IGNvZGU=}"),
                        "bmV3IGNvZGU=",
                        "b3RoZXIgY29kZQ=="),
                new Forbidden(
                        "a ViewPatchArtifact has either the patch file as its content, or names it by oci",
                        artifact("either", "{content: bmV3IGNvZGU=}"),
                        "name: either}\nspec: {",
                        "name: both}\nspec: {oci: {reference: 'registry.example.com/fix@%s'}, ".formatted(digest)),
                new Forbidden(
                        "a ViewPatchArtifact has either the patch file as its content, or names it by oci",
                        artifact("one", "{content: bmV3IGNvZGU=}"),
                        "one}\nspec: {content: bmV3IGNvZGU=}",
                        "none}\nspec: {}"),
                new Forbidden(
                        "name the artifact by its digest, as REGISTRY/REPOSITORY@sha256:…, and not by a tag, which may"
                                + " come to mean another patch",
                        artifact("by-digest", "{oci: {reference: 'registry.example.com/fix@%s'}}".formatted(digest)),
                        "by-digest}\nspec: {oci: {reference: 'registry.example.com/fix@" + digest,
                        "by-tag}\nspec: {oci: {reference: 'registry.example.com/fix:latest@" + digest),
                new Forbidden(
                        "In and NotIn need values, Exists and DoesNotExist have none",
                        patch("values", "matchExpressions: [{key: app, operator: NotIn, values: [redis]}]", ""),
                        ", values: [redis]",
                        ", values: []"),
                new Forbidden(
                        "In and NotIn need values, Exists and DoesNotExist have none",
                        patch("no-values", "matchExpressions: [{key: app, operator: Exists}]", ""),
                        "Exists",
                        "In"),
                new Forbidden("a PodView stays with its pod", podView("its-pod"), "redis-0", "redis-1"),
                new Forbidden("a PodView stays on its node", podView("its-node"), "node-1", "node-2"));
    }

    static Stream<Forbidden> outOfBounds() {
        final String redis = "matchLabels: {app: redis}";
        return Stream.of(
                new Forbidden(
                        "spec.containers[0].id in body should match",
                        podView("container-id").replace("[]", "[{name: redis, id: 'containerd://0123abcd'}]"),
                        "containerd://0123abcd",
                        "containerd://system.slice"),
                new Forbidden(
                        "spec.selector in body should have at least 1 properties",
                        patch("selector", redis, ""),
                        "selector}\nspec:\n  selector: {" + redis,
                        "no-selector}\nspec:\n  selector: {"),
                new Forbidden(
                        "spec.selector.matchLabels in body should have at least 1 properties",
                        patch("labels", redis, ""),
                        "labels}\nspec:\n  selector: {matchLabels: {app: redis",
                        "no-labels}\nspec:\n  selector: {matchLabels: {"),
                new Forbidden(
                        "spec.selector.matchExpressions in body should have at least 1 items",
                        patch("expressions", "matchExpressions: [{key: app, operator: Exists}]", ""),
                        "{key: app, operator: Exists}",
                        ""),
                new Forbidden(
                        "spec.change.patch.artifactRef.name in body should match",
                        patch("artifact-name", redis, ""),
                        "name: artifact}",
                        "name: '?watch=true'}"),
                new Forbidden(
                        "spec.selector.matchLabels.app: Too long",
                        patch("label", redis, ""),
                        "app: redis",
                        "app: " + "r".repeat(64)),
                new Forbidden(
                        "spec.threads.share in body should be less than or equal to",
                        patch("share", redis, "threads: {share: 4}"),
                        "share: 4",
                        "share: 3000000000"),
                new Forbidden(
                        "spec.rollout.canary in body should be less than or equal to",
                        patch("canary", redis, "rollout: {canary: 4}"),
                        "canary: 4",
                        "canary: 3000000000"),
                new Forbidden(
                        "spec.rollout.wave in body should be less than or equal to",
                        patch("wave", redis, "rollout: {wave: 4}"),
                        "wave: 4",
                        "wave: 3000000000"));
    }

    private static String patch(final String name, final String selector, final String more) {
        return """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {namespace: default, name: %s}
            spec:
              selector: {%s}
              change: {patch: {artifactRef: {name: artifact}, digest: 'sha256:%s'}}
              %s
            """.formatted(name, selector, "0".repeat(64), more);
    }

    private static String artifact(final String name, final String spec) {
        return """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatchArtifact
            metadata: {namespace: default, name: %s}
            spec: %s
            """.formatted(name, spec);
    }

    private static String podView(final String name) {
        return """
            apiVersion: atlasviews.dev/v1alpha1
            kind: PodView
            metadata: {namespace: default, name: %s}
            spec: {podName: redis-0, nodeName: node-1, containers: []}
            """.formatted(name);
    }

    /** The messages of all rules below a node. */
    private static Stream<String> messages(final JsonNode node) {
        return node.findValues("x-kubernetes-validations").stream()
                .flatMap(rules -> StreamSupport.stream(rules.spliterator(), false))
                .map(rule -> rule.get("message").asText());
    }

    private static long rules(final CustomResourceDefinition definition) {
        return client.getKubernetesSerialization()
                .asYaml(definition.getSpec())
                .lines()
                .filter(line -> line.strip().startsWith("x-kubernetes-validations"))
                .count();
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

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import static dev.atlasviews.operator.Objects.digest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.WithoutRules;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.Operator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a definition without bounds let in stops nobody. */
final class StoredBeforeIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @Test
    void aViewPatchThatCanNotBeReadIsRefusedAndTheOthersGoOn(@TempDir final Path folder) throws Exception {
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient client = server.client()) {
            takeOffBounds(client);
            create(client, "strange", "rollout: {wave: 3000000000}");
            create(client, "plain", "mode: Apply");
            final Operator operator = OperatorMain.create(server.client());
            operator.start();
            try {
                awaitReason(client, "plain", ConditionType.ACCEPTED, "ArtifactNotFound");
                awaitReason(client, "strange", ConditionType.ACCEPTED, "InvalidSpecification");
                create(client, "stranger", "threads: {share: 3000000000}");
                awaitReason(client, "stranger", ConditionType.DEGRADED, "InvalidSpecification");
                assertThat(condition(client, "stranger", ConditionType.DEGRADED))
                        .returns("True", Condition::getStatus)
                        .satisfies(
                                condition -> assertThat(condition.getMessage()).contains("spec.threads.share"));
                create(client, "later", "mode: Apply");
                awaitReason(client, "later", ConditionType.ACCEPTED, "ArtifactNotFound");

                patch(client, "strange")
                        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\":{\"rollout\":{\"wave\":3}}}");
                awaitReason(client, "strange", ConditionType.ACCEPTED, "ArtifactNotFound");
                patch(client, "stranger").delete();
                await().atMost(LIMIT).until(() -> patch(client, "stranger").get() == null);
                await().atMost(LIMIT)
                        .untilAsserted(() -> assertThat(client.v1()
                                        .events()
                                        .inNamespace("default")
                                        .list()
                                        .getItems())
                                .extracting(Event::getReason)
                                .contains("InvalidSpecification"));
            } finally {
                operator.stop();
            }
        }
    }

    private static void takeOffBounds(final KubernetesClient client) {
        for (final CustomResourceDefinition definition : WithoutRules.read(client.getKubernetesSerialization())) {
            final JsonNode json = client.getKubernetesSerialization().convertValue(definition, JsonNode.class);
            json.findParents("maximum").forEach(schema -> ((ObjectNode) schema).remove("maximum"));
            client.resource(client.getKubernetesSerialization().convertValue(json, CustomResourceDefinition.class))
                    .fieldManager("test")
                    .forceConflicts()
                    .serverSideApply();
        }
    }

    /** As soon as the server goes by the definition of now. */
    private static void create(final KubernetesClient client, final String name, final String part) {
        final String yaml = """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {namespace: default, name: %s}
            spec:
              selector: {matchLabels: {app: redis}}
              change: {patch: {artifactRef: {name: none}, digest: '%s'}}
              %s
            """.formatted(name, digest("new code"), part);
        await().atMost(LIMIT)
                .ignoreExceptions()
                .until(() -> client.resource(client.getKubernetesSerialization()
                                        .unmarshal(yaml, GenericKubernetesResource.class))
                                .create()
                        != null);
    }

    private static Resource<ViewPatch> patch(final KubernetesClient client, final String name) {
        return client.resources(ViewPatch.class).inNamespace("default").withName(name);
    }

    private static void awaitReason(
            final KubernetesClient client, final String name, final ConditionType type, final String reason) {
        await().atMost(LIMIT)
                .ignoreExceptions()
                .untilAsserted(() ->
                        assertThat(condition(client, name, type).getReason()).isEqualTo(reason));
    }

    private static Condition condition(final KubernetesClient client, final String name, final ConditionType type) {
        final List<Condition> conditions = patch(client, name).get().getStatus().conditions();
        return conditions.stream()
                .filter(condition -> condition.getType().equals(type.value()))
                .findFirst()
                .orElseThrow();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.DefaultKubernetesResourceList;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a wider definition allowed is no reason to read nothing at all. */
final class AtlasResourceTest {
    private final KubernetesSerialization serialization = new KubernetesSerialization();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rollout: {wave: 3000000000}                      | spec.rollout.wave: ",
                "rollout: {canary: 30000000000000000000}          | spec.rollout.canary: ",
                "threads: {share: 3000000000}                     | spec.threads.share: ",
                "rollout: {soakSeconds: 3000000000}               | spec.rollout.soakSeconds: ",
                "rollout: {onFailure: Ask}                        | spec.rollout.onFailure: ",
                "mode: Later                                      | spec.mode: ",
                "change: {patch: {digest: 'md5:0'}}               | spec.change.patch.digest: ",
                "change: {patch: {artifactRef: {name: '?x=1'}}}   | spec.change.patch.artifactRef: ",
                "change: {patch: {artifactRef: {name: 'a/b'}}}    | spec.change.patch.artifactRef: ",
                "after: [{name: x}]                               | spec.after[0]: "
            })
    void ofAListOnlyTheSpecificationThatNobodyUnderstandsIsMissing(final String part, final String problem) {
        final List<ViewPatch> patches = serialization
                .unmarshal(
                        "{\"items\": [%s, %s]}"
                                .formatted(json(patch("strange", part)), json(patch("plain", "mode: Apply"))),
                        new TypeReference<DefaultKubernetesResourceList<ViewPatch>>() {})
                .getItems();

        final ViewPatch strange = patches.getFirst();
        assertThat(strange.isReadable()).isFalse();
        assertThat(strange.getSpec()).isNull();
        assertThat(strange.unreadableSpec())
                .hasValueSatisfying(why -> assertThat(why).startsWith(problem));
        assertThat(strange.getMetadata().getName()).isEqualTo("strange");
        assertThat(strange.unreadableStatus()).isEmpty();
        assertThat(strange.getStatus().observedGeneration()).isEqualTo(7);

        final ViewPatch plain = patches.getLast();
        assertThat(plain.isReadable()).isTrue();
        assertThat(plain.unreadableSpec()).isEmpty();
        assertThat(plain.getSpec().mode()).isEqualTo(Mode.APPLY);
    }

    /** The framework gives reconcilers copies, by writing and reading again. */
    @Test
    void itIsWrittenAsItWasReadAndCanBePutRight() {
        final ViewPatch strange =
                serialization.unmarshal(patch("strange", "rollout: {wave: 3000000000}"), ViewPatch.class);
        final ViewPatch copy = serialization.clone(strange);
        assertThat(copy.unreadableSpec()).isEqualTo(strange.unreadableSpec());
        assertThat(written(copy).at("/spec/rollout/wave").asLong()).isEqualTo(3000000000L);
        assertThat(written(copy).at("/spec/selector/matchLabels/app").asText()).isEqualTo("redis");

        copy.setSpec(serialization
                .unmarshal(patch("plain", "rollout: {wave: 3}"), ViewPatch.class)
                .getSpec());
        assertThat(copy.isReadable()).isTrue();
        assertThat(copy.unreadableSpec()).isEmpty();
        assertThat(written(copy).at("/spec/rollout/wave").asLong()).isEqualTo(3);
    }

    private JsonNode written(final ViewPatch patch) {
        return serialization.convertValue(patch, JsonNode.class);
    }

    /** A watch brings resources of any kind. */
    @Test
    void whatIsKnownToBeOneOnlyLaterCanBeReadToo() {
        final GenericKubernetesResource any =
                serialization.unmarshal(patch("strange", "mode: Later"), GenericKubernetesResource.class);
        final ViewPatch patch = serialization.convertValue(any, ViewPatch.class);
        assertThat(patch.isReadable()).isFalse();
        assertThat(patch.getMetadata().getName()).isEqualTo("strange");
    }

    @Test
    void aStatusThatNobodyUnderstandsIsNone() {
        final PodView view = serialization.unmarshal("""
            apiVersion: atlasviews.dev/v1alpha1
            kind: PodView
            metadata: {name: x, namespace: default}
            spec: {podName: redis-0, nodeName: node-1, containers: []}
            status: {observedGeneration: 1, summary: {state: Melted, processes: 0, threads: {total: 0, moved: 0, held: 0}}}
            """, PodView.class);
        assertThat(view.getStatus()).isNull();
        assertThat(view.unreadableStatus())
                .hasValueSatisfying(why ->
                        assertThat(why).startsWith("status.summary.state: ").contains("Melted"));
        assertThat(view.isReadable()).isTrue();
        assertThat(view.getSpec().podName()).isEqualTo("redis-0");
        assertThat(serialization.asYaml(serialization.clone(view))).contains("Melted");
    }

    private String json(final String yaml) {
        return serialization.asJson(serialization.unmarshal(yaml, GenericKubernetesResource.class));
    }

    private static String patch(final String name, final String part) {
        return """
            apiVersion: atlasviews.dev/v1alpha1
            kind: ViewPatch
            metadata: {name: %s, namespace: default}
            spec:
              selector: {matchLabels: {app: redis}}
              %s
              %s
            status: {observedGeneration: 7}
            """.formatted(
                name,
                part.startsWith("change")
                        ? ""
                        : "change: {patch: {artifactRef: {name: fix}, digest: 'sha256:%s'}}".formatted("0".repeat(64)),
                part);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.pods;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.spec;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class PodSelectionTest {
    private final ViewPatch patch = patch("fix", "2026-11-23T19:00:00Z");

    @Test
    void aRunningPodOfTheNamespaceIsSelectedByItsLabels() {
        assertThat(PodSelection.selects(patch, pod("a"))).isTrue();
        assertThat(PodSelection.selects(
                        patch,
                        edit().editMetadata()
                                .withNamespace("other")
                                .endMetadata()
                                .build()))
                .isFalse();
        assertThat(PodSelection.selects(
                        patch,
                        edit().editMetadata()
                                .withLabels(Map.of("app", "nginx"))
                                .endMetadata()
                                .build()))
                .isFalse();
    }

    @Test
    void aPodWithoutProcessesIsNotSelected() {
        assertThat(PodSelection.selects(
                        patch,
                        edit().editStatus().withPhase("Pending").endStatus().build()))
                .isFalse();
        assertThat(PodSelection.selects(
                        patch, edit().editSpec().withNodeName(null).endSpec().build()))
                .isFalse();
        assertThat(PodSelection.selects(
                        patch,
                        edit().editMetadata()
                                .withDeletionTimestamp("2026-11-23T21:00:00Z")
                                .endMetadata()
                                .build()))
                .isFalse();
    }

    @Test
    void aLaterPodIsLeftAloneIfThatIsAskedFor() {
        patch.setSpec(spec(digest("fix"), null, NewPods.LEAVE));
        assertThat(PodSelection.selects(patch, pod("later"))).isFalse();
        patch.getMetadata().setCreationTimestamp("2026-11-23T20:00:01Z");
        assertThat(PodSelection.selects(patch, pod("earlier"))).isTrue();
    }

    @Test
    void allContainersThatStayAreMeantUnlessOneIsNamed() {
        final Pod pod = edit().editSpec()
                .addNewContainer()
                .withName("exporter")
                .endContainer()
                .addNewInitContainer()
                .withName("setup")
                .endInitContainer()
                .addNewInitContainer()
                .withName("proxy")
                .withRestartPolicy("Always")
                .endInitContainer()
                .endSpec()
                .build();
        assertThat(PodSelection.containers(patch, pod)).containsExactly("proxy", "redis", "exporter");
        patch.setSpec(spec(digest("fix"), "redis", NewPods.APPLY));
        assertThat(PodSelection.containers(patch, pod)).containsExactly("redis");
    }

    private static PodBuilder edit() {
        return pod("a").edit();
    }
}

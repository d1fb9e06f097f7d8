// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.operator.Objects;
import dev.atlasviews.operator.caches.PodStore;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PodChangesTest {
    private static final Pod POD = new PodBuilder(Objects.pod("redis-0"))
            .editStatus()
            .addNewCondition()
            .withType("Ready")
            .withStatus("True")
            .withLastTransitionTime("2026-11-23T20:00:00Z")
            .endCondition()
            .endStatus()
            .build();

    @Test
    void whatSaysNothingOfThePodConcernsNobody() {
        final Pod annotated = new PodBuilder(POD)
                .editMetadata()
                .withResourceVersion("2")
                .addToAnnotations("seen", "now")
                .endMetadata()
                .build();
        final Pod lookedAt = new PodBuilder(POD)
                .editStatus()
                .editFirstCondition()
                .withLastProbeTime("2026-11-23T20:05:00Z")
                .withMessage("looked at again")
                .endCondition()
                .endStatus()
                .build();
        for (final Pod now : List.of(new PodBuilder(POD).build(), annotated, lookedAt)) {
            assertThat(PodChanges.concernPod(now, POD)).isFalse();
            assertThat(PodChanges.concernNode(now, POD)).isFalse();
        }
    }

    @Test
    void whatSelectsAPodOrEndsItConcernsAll() {
        for (final Pod now : List.of(
                new PodBuilder(POD)
                        .editMetadata()
                        .withUid("another")
                        .endMetadata()
                        .build(),
                new PodBuilder(POD)
                        .editMetadata()
                        .addToLabels("app", "b")
                        .endMetadata()
                        .build(),
                new PodBuilder(POD)
                        .editMetadata()
                        .withLabels(null)
                        .endMetadata()
                        .build(),
                new PodBuilder(POD)
                        .editMetadata()
                        .withDeletionTimestamp("2026-11-23T20:05:00Z")
                        .endMetadata()
                        .build(),
                new PodBuilder(POD).editSpec().withNodeName("node-2").endSpec().build(),
                new PodBuilder(POD).editSpec().withNodeName(null).endSpec().build(),
                new PodBuilder(POD).editStatus().withPhase("Failed").endStatus().build(),
                new PodBuilder(POD)
                        .editStatus()
                        .editFirstCondition()
                        .withStatus("False")
                        .endCondition()
                        .endStatus()
                        .build(),
                new PodBuilder(POD).withStatus(null).build())) {
            assertThat(PodChanges.concernPod(now, POD)).as("%s", now).isTrue();
            assertThat(PodChanges.concernNode(now, POD)).as("%s", now).isTrue();
        }
    }

    @Test
    void howItsContainersAreConcernsThePodOnly() {
        for (final Pod now : List.of(
                new PodBuilder(POD)
                        .editStatus()
                        .editFirstContainerStatus()
                        .withRestartCount(1)
                        .endContainerStatus()
                        .endStatus()
                        .build(),
                new PodBuilder(POD)
                        .editStatus()
                        .editFirstContainerStatus()
                        .withContainerID("containerd://2")
                        .endContainerStatus()
                        .endStatus()
                        .build(),
                new PodBuilder(POD)
                        .editStatus()
                        .addNewInitContainerStatus()
                        .withName("sidecar")
                        .endInitContainerStatus()
                        .endStatus()
                        .build(),
                new PodBuilder(POD)
                        .editStatus()
                        .editFirstCondition()
                        .withReason("ContainersNotReady")
                        .endCondition()
                        .endStatus()
                        .build(),
                new PodBuilder(POD)
                        .editStatus()
                        .addNewCondition()
                        .withType("gate")
                        .withStatus("True")
                        .endCondition()
                        .endStatus()
                        .build())) {
            assertThat(PodChanges.concernPod(now, POD)).as("%s", now).isTrue();
            assertThat(PodChanges.concernNode(now, POD)).as("%s", now).isFalse();
        }
    }

    /** What is compared are pods as they are remembered. */
    @Test
    void whatIsLeftOutOfMemoryIsNotAskedFor() {
        final Pod remembered = new PodBuilder(POD).build();
        new PodStore().put("shop/redis-0", remembered);
        assertThat(PodChanges.concernPod(remembered, POD)).isFalse();
    }
}

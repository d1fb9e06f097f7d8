// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.caches;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import org.junit.jupiter.api.Test;

final class PodStoreTest {
    @Test
    void whatNobodyAsksAPodForIsForgotten() {
        final Pod pod = new PodBuilder(Objects.pod("redis-0"))
                .editMetadata()
                .addToAnnotations("note", "long")
                .addNewManagedField()
                .withManager("kubelet")
                .endManagedField()
                .withResourceVersion("7")
                .endMetadata()
                .editSpec()
                .withServiceAccountName("someone")
                .withRestartPolicy("OnFailure")
                .addNewReadinessGate("example.org/gate")
                .addNewVolume()
                .withName("volume")
                .endVolume()
                .editFirstContainer()
                .withImage("redis")
                .addNewEnv()
                .withName("NAME")
                .withValue("value")
                .endEnv()
                .endContainer()
                .addNewInitContainer()
                .withName("sidecar")
                .withImage("proxy")
                .withRestartPolicy("Always")
                .endInitContainer()
                .endSpec()
                .editStatus()
                .withPodIP("10.0.0.1")
                .addNewCondition()
                .withType("Ready")
                .withStatus("True")
                .endCondition()
                .endStatus()
                .build();
        final var store = new PodStore();
        store.put("shop/redis-0", new PodBuilder(pod).build());
        final Pod lean = requireNonNull(store.get("shop/redis-0"));

        assertThat(lean.getMetadata().getAnnotations()).isEmpty();
        assertThat(lean.getMetadata().getManagedFields()).isEmpty();
        assertThat(lean.getSpec().getVolumes()).isEmpty();
        assertThat(lean.getSpec().getServiceAccountName()).isNull();
        assertThat(lean.getSpec().getContainers()).singleElement().satisfies(container -> {
            assertThat(container.getName()).isEqualTo("redis");
            assertThat(container.getImage()).isNull();
            assertThat(container.getEnv()).isEmpty();
        });
        assertThat(lean.getStatus().getPodIP()).isNull();

        assertThat(lean.getMetadata().getUid()).isEqualTo(pod.getMetadata().getUid());
        assertThat(lean.getMetadata().getLabels()).isEqualTo(pod.getMetadata().getLabels());
        assertThat(lean.getMetadata().getResourceVersion()).isEqualTo("7");
        assertThat(lean.getMetadata().getCreationTimestamp())
                .isEqualTo(pod.getMetadata().getCreationTimestamp());
        assertThat(lean.getSpec().getNodeName()).isEqualTo("node-1");
        assertThat(lean.getSpec().getRestartPolicy()).isEqualTo("OnFailure");
        assertThat(lean.getSpec().getReadinessGates()).isEqualTo(pod.getSpec().getReadinessGates());
        assertThat(lean.getSpec().getInitContainers())
                .singleElement()
                .returns("sidecar", Container::getName)
                .returns("Always", Container::getRestartPolicy);
        assertThat(lean.getStatus().getPhase()).isEqualTo("Running");
        assertThat(lean.getStatus().getConditions()).isEqualTo(pod.getStatus().getConditions());
        assertThat(lean.getStatus().getContainerStatuses())
                .isEqualTo(pod.getStatus().getContainerStatuses());
    }

    @Test
    void aPodThatHasNoStatusYetIsRemembered() {
        final var store = new PodStore();
        store.put(
                "shop/redis-0",
                new PodBuilder(Objects.pod("redis-0")).withStatus(null).build());
        assertThat(store.size()).isEqualTo(1);
        assertThat(requireNonNull(store.get("shop/redis-0")).getStatus()).isNull();
    }
}

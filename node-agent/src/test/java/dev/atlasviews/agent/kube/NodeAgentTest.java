// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import org.junit.jupiter.api.Test;

final class NodeAgentTest {

    @Test
    void theClientReadsResourcesOfAnyKindBeforeTheFirstEvent() {
        try (KubernetesClient client = new KubernetesClientBuilder()
                .withConfig(new ConfigBuilder()
                        .withMasterUrl("https://127.0.0.1:1")
                        .withAutoConfigure(false)
                        .build())
                .build()) {
            assertThat(NodeAgent.warmUp(client))
                    .isInstanceOfSatisfying(
                            HasMetadata.class,
                            resource -> assertThat(resource.getKind()).isEqualTo("PodView"));
        }
    }
}

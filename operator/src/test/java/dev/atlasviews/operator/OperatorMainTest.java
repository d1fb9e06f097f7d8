// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.operator.events.EventRecorder;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.junit.jupiter.api.Test;

final class OperatorMainTest {
    @Test
    void oneThatHasNotStartedDoesNotActAndCountsNothing() {
        final var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (KubernetesClient client = new KubernetesClientBuilder()
                .withConfig(new ConfigBuilder()
                        .withAutoConfigure(false)
                        .withMasterUrl("https://127.0.0.1:1")
                        .build())
                .build()) {
            OperatorMain.create(client, registry, new EventRecorder(client, registry), Leadership.alone(), null, false);
            assertThat(registry.get("atlas.operator.acts").gauge().value()).isZero();
            // What fails has no value, and a line in the log.
            assertThat(registry.get("atlas.viewpatches").gauges())
                    .isNotEmpty()
                    .allSatisfy(gauge -> assertThat(gauge.value()).isZero());
        }
    }
}

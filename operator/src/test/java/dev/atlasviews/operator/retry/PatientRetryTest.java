// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.retry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.operator.OperatorMain;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import org.junit.jupiter.api.Test;

final class PatientRetryTest {
    @Test
    void itIsTriedForEverAndAtLeastOnceAMinute() {
        final var execution = new PatientRetry().initExecution();
        for (int i = 0; i < 1_000; i++) {
            assertThat(execution.nextDelay())
                    .hasValueSatisfying(delay -> assertThat(delay).isBetween(1_000L, 60_000L));
        }
    }

    @Test
    void everyControllerIsPatient() {
        try (KubernetesClient client =
                new KubernetesClientBuilder().withConfig(Config.empty()).build()) {
            assertThat(OperatorMain.create(client).getRegisteredControllers())
                    .hasSize(2)
                    .allSatisfy(controller ->
                            assertThat(controller.getConfiguration().getRetry()).isInstanceOf(PatientRetry.class));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import static dev.atlasviews.operator.Objects.digest;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two operators, as processes of their own with the rights that the chart gives, on a real API server. */
final class LeadershipIT {
    private static final Duration LIMIT = Duration.ofMinutes(3);

    @TempDir
    private Path folder;

    @Test
    void theOtherOperatorGoesOnWhenTheOneThatActsIsKilled() throws Exception {
        final Map<String, OperatorProcess> operators = new HashMap<>();
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient administrator = server.client()) {
            Chart.install(administrator, command -> command.set("operator.replicas", 2));
            final Path kubeconfig = server.kubeconfig(Chart.NAMESPACE);
            try {
                for (final String name : List.of("operator-a", "operator-b")) {
                    operators.put(
                            name,
                            OperatorProcess.start(folder, name, kubeconfig, Map.of("ATLAS_LEASE", "atlas-operator")));
                }
                await().atMost(LIMIT).until(() -> operators.containsKey(holder(administrator)));
                final String first = holder(administrator);
                assertThat(isLookedAt(administrator, "before")).isTrue();
                for (final OperatorProcess operator : operators.values()) {
                    await().atMost(LIMIT).until(() -> operator.log().contains("operator started"));
                }
                assertThat(operators.values()).allMatch(OperatorProcess::isAlive);
                final String second = operators.keySet().stream()
                        .filter(name -> !name.equals(first))
                        .findFirst()
                        .orElseThrow();
                assertThat(requireNonNull(operators.get(first)).log()).contains("shop/before: ");
                assertThat(requireNonNull(operators.get(second)).log())
                        .as("it only watches")
                        .doesNotContain("shop/before: ");

                requireNonNull(operators.get(first)).kill();

                assertThat(isLookedAt(administrator, "after")).isTrue();
                assertThat(holder(administrator)).isEqualTo(second);
                assertThat(requireNonNull(operators.get(second)).isAlive()).isTrue();
            } finally {
                operators.values().forEach(OperatorProcess::close);
            }
        }
    }

    private static String holder(final KubernetesClient client) {
        final Lease lease = client.leases()
                .inNamespace(Chart.NAMESPACE)
                .withName("atlas-operator")
                .get();
        return lease == null ? "" : String.valueOf(lease.getSpec().getHolderIdentity());
    }

    /** Whether somebody says of a new ViewPatch how it is. */
    private static boolean isLookedAt(final KubernetesClient client, final String name) {
        final var patch = new ViewPatch();
        patch.setMetadata(new ObjectMetaBuilder()
                .withNamespace(Objects.NAMESPACE)
                .withName(name)
                .build());
        patch.setSpec(Objects.spec(digest(name), null, NewPods.APPLY));
        client.resource(patch).create();
        await().atMost(LIMIT)
                .until(() -> client.resource(patch).get().getStatus() != null
                        && !client.resource(patch)
                                .get()
                                .getStatus()
                                .conditions()
                                .isEmpty());
        return true;
    }
}

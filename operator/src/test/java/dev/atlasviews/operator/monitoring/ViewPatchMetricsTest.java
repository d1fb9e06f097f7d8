// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.Objects;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ViewPatchMetricsTest {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<ViewPatch> patches = new ArrayList<>();

    @Test
    void patchesPodsAndThreadsAreCountedWhenAskedFor() {
        // Nothing but the registry holds it from here on.
        new ViewPatchMetrics(() -> patches).bindTo(registry);
        System.gc();
        final long lines = registry.scrape().lines().count();
        assertThat(registry.scrape()).contains("atlas_viewpatches{condition=\"Accepted\",status=\"True\"} 0.0");
        for (int i = 0; i < 3; i++) {
            patches.add(reported("fix-" + i));
        }
        patches.add(new ViewPatch());
        assertThat(registry.scrape())
                .contains("atlas_viewpatches{condition=\"Accepted\",status=\"True\"} 3.0")
                .contains("atlas_viewpatch_pods{outcome=\"applied\"} 6.0")
                .contains("atlas_viewpatch_pods{outcome=\"waiting\"} 3.0")
                .contains("atlas_viewpatch_threads{state=\"held\"} 12.0")
                .contains("atlas_viewpatch_rollouts{phase=\"soaking\"} 3.0");
        assertThat(registry.scrape().lines().count())
                .as("the number of series does not grow with the cluster")
                .isEqualTo(lines);
    }

    private static ViewPatch reported(final String name) {
        final ViewPatch patch = Objects.patch(name, "2026-11-23T20:00:00Z");
        patch.setStatus(new ViewPatchStatus(
                1L,
                patch.getStatus().conditions(),
                new PodCounts(3, 2, 0, 0, 0, 0, 1, 0),
                new ThreadCounts(20, 8, 4),
                new RolloutStatus(
                        patch.getSpec().change().patch().digest(),
                        RolloutPhase.SOAKING,
                        1,
                        2,
                        Instant.parse("2026-11-23T22:00:00Z"),
                        null)));
        return patch;
    }
}

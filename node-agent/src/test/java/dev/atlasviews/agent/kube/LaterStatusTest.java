// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ThreadCounts;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a later agent reported, before its node went back to this one, counts as not reported, and is written over. */
final class LaterStatusTest {
    private final KubernetesSerialization serialization = new KubernetesSerialization();
    private final PodView view = serialization.unmarshal("""
        apiVersion: atlasviews.dev/v1alpha1
        kind: PodView
        metadata: {name: uid, namespace: default, generation: 1}
        spec: {podName: redis-0, nodeName: node-1, containers: []}
        status:
          observedGeneration: 1
          summary: {state: Melted, processes: 3000000000, threads: {total: 1, moved: 1, held: 0}}
          processes: [{container: main, pid: 7, startTime: 90000, bootId: boot, layers: [{state: Melted}]}]
        """, PodView.class);

    @Test
    void noProcessIsRememberedByIt(@TempDir final Path folder) throws IOException {
        final var process = Fixtures.process(Files.createDirectory(folder.resolve("proc")));
        final var memory = new ProcessMemory(folder.resolve("state"), serialization, Fixtures.BOOT);
        assertThat(view.isReadable()).isTrue();
        assertThat(memory.last(view, process)).isEmpty();
    }

    @Test
    void nothingOfItIsCounted() {
        final var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new AgentMetrics(registry, () -> List.of(view)).bind(() -> true);
        assertThat(registry.scrape())
                .contains("atlas_agent_processes 0.0", "atlas_agent_threads{state=\"moved\"} 0.0")
                .doesNotContain("NaN");
    }

    @Test
    void theFirstThatIsFoundIsNewsAndTakesItsPlace() {
        final var found = new PodViewStatus(
                1L, new PodViewSummary(LayerState.NOTHING_TO_DO, 0, ThreadCounts.NONE, null), List.of());
        assertThat(News.between(view.getStatus(), found)).isEqualTo(News.STATES);
        view.setStatus(found);
        assertThat(serialization.asYaml(view)).doesNotContain("Melted");
        assertThat(serialization.clone(view).getStatus()).isEqualTo(found);
    }
}

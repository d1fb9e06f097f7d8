// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The agents of all nodes in one: each PodView is reported done as soon as it is seen, one process with five threads. */
final class SimulatedAgents implements AutoCloseable {
    private static final int AT_A_TIME = 16;
    private static final ThreadCounts THREADS = new ThreadCounts(5, 5, 0);

    private final KubernetesClient client;
    private final ExecutorService executor = Executors.newFixedThreadPool(AT_A_TIME);
    private final SharedIndexInformer<PodView> informer;

    /**
     * Starts them.
     *
     * @param client with all rights
     */
    SimulatedAgents(final KubernetesClient client) {
        this.client = client;
        this.informer = client.resources(PodView.class)
                .inNamespace(SimulatedCluster.NAMESPACE)
                .inform(new ResourceEventHandler<>() {
                    @Override
                    public void onAdd(final PodView view) {
                        see(view);
                    }

                    @Override
                    public void onUpdate(final PodView before, final PodView view) {
                        see(view);
                    }

                    @Override
                    public void onDelete(final PodView view, final boolean unknown) {
                        // Nothing is left to report.
                    }
                });
    }

    private void see(final PodView view) {
        final PodViewStatus status = view.getStatus();
        if (status == null
                || !Objects.equals(
                        status.observedGeneration(), view.getMetadata().getGeneration())) {
            executor.execute(() -> report(view));
        }
    }

    private void report(final PodView view) {
        final List<ProcessStatus> processes = new ArrayList<>();
        boolean present = false;
        for (final ContainerLayers container : view.getSpec().containers()) {
            final List<LayerStatus> layers = container.layers().stream()
                    .map(layer -> new LayerStatus(
                            layer.name(),
                            layer.digest(),
                            layer.desired() == DesiredState.PRESENT ? LayerState.APPLIED : LayerState.REVERTED,
                            layer.desired() == DesiredState.PRESENT ? "Applied" : "Reverted",
                            "as it should be",
                            Instant.EPOCH,
                            THREADS))
                    .toList();
            present |= layers.stream().anyMatch(layer -> layer.state() == LayerState.APPLIED);
            processes.add(new ProcessStatus(
                    container.name(),
                    String.valueOf(container.id()),
                    "boot",
                    42,
                    4711,
                    "/usr/bin/server",
                    null,
                    THREADS,
                    List.of(),
                    layers));
        }
        view.setStatus(new PodViewStatus(
                view.getMetadata().getGeneration(),
                new PodViewSummary(present ? LayerState.APPLIED : LayerState.REVERTED, 1, THREADS, null),
                processes));
        client.resource(view).patchStatus();
    }

    @Override
    public void close() {
        informer.close();
        executor.shutdownNow();
    }
}

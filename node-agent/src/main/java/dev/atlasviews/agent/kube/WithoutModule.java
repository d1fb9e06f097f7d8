// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ProcessStatus;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What can be said of processes while nothing can be changed in them, because their node has no module: what was built for
 * none of their programs is nothing to do, what no thread ever had is taken back, what was applied stays so, and the rest is
 * refused for now.
 */
final class WithoutModule implements PodViewReconciler.ProcessStep {
    private final LayerPlan.Source patches;
    private final String bootId;
    private final String why;

    /** Why there is none, as those are told who want to change something. */
    WithoutModule(final LayerPlan.Source patches, final String bootId, final String why) {
        this.patches = patches;
        this.bootId = bootId;
        this.why = why;
    }

    @Override
    public Optional<ProcessStatus> reconcile(
            final TargetProcess process,
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final Duration most)
            throws IOException {
        final Instant now = Instant.now();
        final ProcessStatus status =
                new ProcessFailure(process, last, LayerReason.MODULE_UNAVAILABLE, why, now).status(container, bootId);
        final boolean touched = ProcessEngine.touched(process);
        final List<LayerStatus> layers = new ArrayList<>();
        for (int i = 0; i < status.layers().size(); i++) {
            final Layer layer = container.layers().get(i);
            final Optional<LayerStatus> before = LayerPlan.before(layer, last);
            layers.add(LayerStates.since(
                    known(process, layer, status.layers().get(i), before.filter(any -> touched), now), before));
        }
        return Optional.of(status.withLayers(layers));
    }

    /** Without the module nobody can look. */
    @Override
    public boolean mayHave(final TargetProcess process, final List<Layer> layers) {
        return true;
    }

    private LayerStatus known(
            final TargetProcess process,
            final Layer layer,
            final LayerStatus refused,
            final Optional<LayerStatus> had,
            final Instant now) {
        if (refused.state() != LayerState.REFUSED) {
            return refused;
        }
        if (had.filter(status -> status.state() == LayerState.APPLIED).isPresent()) {
            return had.get();
        }
        return observed(process, layer, now)
                .filter(status -> status.state() == LayerState.NOTHING_TO_DO)
                .orElse(refused);
    }

    /** Empty where it can not be told, which is no reason to say anything else than that there is no module. */
    private Optional<LayerStatus> observed(final TargetProcess process, final Layer layer, final Instant now) {
        try {
            return Optional.of(new Observation(process).status(layer, patches.fetch(layer), List.of(), now));
        } catch (final IOException | Artifacts.ArtifactException e) {
            return Optional.empty();
        }
    }
}

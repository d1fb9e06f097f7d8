// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Engine;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.ViewModule;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.ProcessStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** How processes are worked on: without the node's module until it is there, with it from then on. The ViewNode says which. */
final class ProcessSteps implements PodViewReconciler.ProcessStep, ModuleSearch.User {
    private final NodeReporter reporter;
    private final LayerPlan.Source patches;
    private final Function<ViewModule, Engine> engines;
    private final String bootId;
    private final Waits waits = new Waits();

    private volatile PodViewReconciler.ProcessStep current;
    /** Tells the cluster what was found last. */
    private Housekeeping.Chore report = () -> {};

    ProcessSteps(
            final NodeReporter reporter,
            final LayerPlan.Source patches,
            final Function<ViewModule, Engine> engines,
            final String bootId) {
        this.reporter = reporter;
        this.patches = patches;
        this.engines = engines;
        this.bootId = bootId;
        this.current = new WithoutModule(patches, bootId, "the module has not been looked for yet");
    }

    @Override
    public Optional<ProcessStatus> reconcile(
            final TargetProcess process,
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final Duration most)
            throws IOException {
        return current.reconcile(process, container, last, most);
    }

    @Override
    public boolean mayHave(final TargetProcess process, final List<Layer> layers) throws IOException {
        return current.mayHave(process, layers);
    }

    @Override
    public synchronized void available(final ViewModule module) throws IOException {
        current = new ProcessReconciler(engines.apply(module), patches, bootId, waits);
        report = () -> reporter.ready(module.info());
        report.run();
    }

    @Override
    public synchronized void unavailable(final String why) throws IOException {
        current = new WithoutModule(patches, bootId, why);
        report = () -> reporter.moduleUnavailable(why);
        report.run();
    }

    /** Tells it again: nothing is written while that is what is stored, but somebody may have deleted it. */
    synchronized void report() throws IOException {
        report.run();
    }
}

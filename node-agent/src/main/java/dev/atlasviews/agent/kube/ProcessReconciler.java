// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Engine;
import dev.atlasviews.agent.engine.LayerOrder;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * Brings one process nearer to the layers of its container, for a short while at a time, so that a changed mind of the
 * operator is heard. What has been tried is in the status that the last try left, never in memory alone.
 */
final class ProcessReconciler implements PodViewReconciler.ProcessStep {
    private final Engine engine;
    private final LayerPlan.Source patches;
    private final String bootId;
    private final Waits waits;

    ProcessReconciler(final Engine engine, final LayerPlan.Source patches, final String bootId, final Waits waits) {
        this.engine = engine;
        this.patches = patches;
        this.bootId = bootId;
        this.waits = waits;
    }

    @Override
    public Optional<ProcessStatus> reconcile(
            final TargetProcess process,
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final Duration most)
            throws IOException {
        final PresentLayers present = new PresentLayers(engine, process);
        final LayerPlan plan = LayerPlan.of(container, last, waits, patches, present);
        if (plan.onlyObserves() && !ProcessEngine.touched(process)) {
            return Optional.of(observed(process, container, plan, last));
        }
        final Optional<String> obstacle = obstacle(process, plan, present);
        final Pass pass =
                obstacle.isPresent() ? look(process, obstacle.get()) : pass(process, container, plan, present, most);
        if (pass.report().state() == ProcessReport.State.EXITED) {
            return Optional.empty();
        }
        final List<LayerStatus> layers = new ArrayList<>();
        for (final Layer layer : container.layers()) {
            final LayerStatus status = orObserved(status(layer, plan, pass), layer, plan, process);
            layers.add(LayerStates.since(status, plan.before(layer)));
        }
        return Optional.of(status(process, container, pass.report(), layers, last));
    }

    @Override
    public boolean mayHave(final TargetProcess process, final List<Layer> layers) throws IOException {
        final ProcessReport report = engine.inspect(process);
        return layers.stream().anyMatch(layer -> LayerStates.mayHave(report, layer));
    }

    /** What a process is told to be that is not to be touched. */
    private ProcessStatus observed(
            final TargetProcess process,
            final ContainerLayers container,
            final LayerPlan plan,
            final Optional<ProcessStatus> last)
            throws IOException {
        final var nothing = new ProcessReport(
                process.pid(),
                process.startTime(),
                ProcessReport.State.IN_PLACE,
                "",
                "",
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                0);
        final List<LayerStatus> layers = new ArrayList<>();
        for (final Layer layer : container.layers()) {
            final LayerStatus status =
                    plan.decided(layer).orElseGet(() -> LayerStates.of(layer, nothing, false, plan.now()));
            layers.add(LayerStates.since(orObserved(status, layer, plan, process), plan.before(layer)));
        }
        return status(process, container, nothing, layers, last);
    }

    /** A layer that no thread has, and that is to be told of only. */
    private static LayerStatus orObserved(
            final LayerStatus status, final Layer layer, final LayerPlan plan, final TargetProcess process)
            throws IOException {
        final Optional<dev.atlasviews.agent.engine.Layer> change = plan.observed(layer);
        // Threads that have it by another layer keep it.
        final boolean kept = plan.wanted().stream()
                .anyMatch(other -> other.digest().equals(layer.digest().hex()));
        return change.isPresent() && (kept || status.state() == LayerState.REVERTED)
                ? new Observation(process).status(layer, change.get(), plan.wantedOrObserved(), plan.now())
                : status;
    }

    /** What a pass led to, or found where it was not to change anything. */
    private record Pass(
            ProcessReport report, Function<String, Optional<WithoutRefused.Refusal>> refusals, boolean looked) {}

    /**
     * Why a process has to be left as it is: a layer whose patch can not be had can be put into no other view, so that threads
     * that have it would lose it by any change.
     */
    private Optional<String> obstacle(final TargetProcess process, final LayerPlan plan, final PresentLayers present)
            throws IOException {
        final Optional<String> lost =
                present.lost().stream().filter(plan::keeps).findFirst();
        if (lost.isPresent()) {
            return Optional.of(
                    "the process has patch %s, which can not be had: as long as it has to stay no other comes or goes"
                            .formatted(lost.get()));
        }
        return plan.complete()
                        || !ProcessEngine.touched(process)
                        || engine.inspect(process).threads().stream().noneMatch(thread -> thread.stack() == null)
                ? Optional.empty()
                : Optional.of("the process has a view that is not known, which may hold a patch that can not be had");
    }

    private Pass look(final TargetProcess process, final String obstacle) throws IOException {
        final var refusal = new WithoutRefused.Refusal(LayerReason.CONFLICT.value(), obstacle);
        return new Pass(engine.inspect(process).saying(obstacle), any -> Optional.of(refusal), true);
    }

    private Pass pass(
            final TargetProcess process,
            final ContainerLayers container,
            final LayerPlan plan,
            final PresentLayers present,
            final Duration most)
            throws IOException {
        final List<dev.atlasviews.agent.engine.Layer> all = new ArrayList<>(unlisted(present.layers(), container));
        all.addAll(plan.wanted());
        final WithoutRefused attempt = new WithoutRefused(present.digests(), plan.underWay());
        final ProcessReport report = attempt.reconcile(
                LayerOrder.sorted(all),
                layers -> engine.reconcile(process, desired(layers, plan, most), new MoveLog(process.pid())));
        return new Pass(report, attempt::refusal, false);
    }

    private static LayerStatus status(final Layer layer, final LayerPlan plan, final Pass pass) {
        final Optional<LayerStatus> decided = plan.decided(layer);
        if (decided.isPresent()) {
            return decided.get();
        }
        if (plan.isWanted(layer)) {
            final Optional<LayerStatus> before = plan.before(layer);
            if (pass.looked() && before.filter(LayerStates::isBegun).isPresent()) {
                return before.get();
            }
            final Optional<WithoutRefused.Refusal> refusal =
                    pass.refusals().apply(layer.digest().hex());
            if (refusal.isPresent()) {
                return pass.looked()
                        ? LayerStates.refused(
                                layer, refusal.get().reason(), refusal.get().message(), plan.now())
                        : LayerStates.leftOut(layer, refusal.get(), pass.report(), plan.now());
            }
        }
        return LayerStates.of(layer, pass.report(), plan.isExpired(layer), plan.now());
    }

    /** A layer that was not listed is no order to take it back: it stays below the others. */
    private static List<dev.atlasviews.agent.engine.Layer> unlisted(
            final List<dev.atlasviews.agent.engine.Layer> had, final ContainerLayers container) {
        return had.stream()
                .filter(layer -> container.layers().stream()
                        .noneMatch(listed -> listed.digest().hex().equals(layer.digest())))
                .toList();
    }

    private static Desired desired(
            final List<dev.atlasviews.agent.engine.Layer> layers, final LayerPlan plan, final Duration most)
            throws IOException {
        return new Desired(layers, plan.leaving(), plan.scopeOfLost(), most, Desired.OnDeadline.KEEP);
    }

    private ProcessStatus status(
            final TargetProcess process,
            final ContainerLayers container,
            final ProcessReport report,
            final List<LayerStatus> layers,
            final Optional<ProcessStatus> last)
            throws IOException {
        return new ProcessStatus(
                container.name(),
                Objects.requireNonNull(container.id()),
                bootId,
                Math.toIntExact(process.pid()),
                process.startTime(),
                program(process),
                report.layers().isEmpty() ? null : new LayerStack(report.layers()).tag(),
                counts(report),
                held(report, last),
                layers);
    }

    /** The program's file, as far as the process' memory tells it. */
    static String program(final TargetProcess process) throws IOException {
        return process.mappings().stream()
                .map(Mapping::name)
                // Areas of the module's may lie below it.
                .filter(name -> name.startsWith("/") && !name.startsWith("/atlas:"))
                .findFirst()
                .map(Texts::program)
                .orElse("");
    }

    private static ThreadCounts counts(final ProcessReport report) {
        return new ThreadCounts(
                report.threads().size(), report.inPlace(), report.held().size());
    }

    private static List<HeldThread> held(final ProcessReport report, final Optional<ProcessStatus> last) {
        return report.held().stream()
                .limit(ProcessStatus.MAX_HELD_THREADS)
                .map(thread -> new HeldThread(
                        thread.tid(),
                        thread.name(),
                        Texts.function(String.valueOf(thread.heldBy())),
                        heldSince(thread, last)))
                .toList();
    }

    /** A thread is held since the first try that it hindered, not since the last. */
    private static Instant heldSince(final ThreadReport thread, final Optional<ProcessStatus> last) {
        return last.stream()
                .flatMap(status -> status.heldThreads().stream())
                .filter(before -> before.tid() == thread.tid() && before.name().equals(thread.name()))
                .map(HeldThread::since)
                .findFirst()
                .orElseGet(() -> Objects.requireNonNullElseGet(thread.heldSince(), Instant::now));
    }
}

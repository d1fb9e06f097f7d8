// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.OnDeadline;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.ThreadCounts;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one process nearer to the layers of its container, for a short while at a time, so that a changed mind of the
 * operator is heard. What has been tried is in the status that the last try left, never in memory alone.
 */
final class ProcessReconciler {
    private static final Logger AUDIT = LoggerFactory.getLogger("dev.atlasviews.audit");
    private static final Duration SLICE = Duration.ofSeconds(2);

    private final ProcessEngine engine;
    private final Artifacts artifacts;
    private final String bootId;
    private final String node;

    ProcessReconciler(final ProcessEngine engine, final Artifacts artifacts, final String bootId, final String node) {
        this.engine = engine;
        this.artifacts = artifacts;
        this.bootId = bootId;
        this.node = node;
    }

    /** Empty when the process is gone. */
    Optional<ProcessStatus> reconcile(
            final TargetProcess process, final ContainerLayers container, final Optional<ProcessStatus> last)
            throws IOException {
        final Instant now = Instant.now();
        final Map<String, LayerStatus> done = new HashMap<>();
        final List<dev.atlasviews.agent.engine.Layer> present = new ArrayList<>();
        final List<dev.atlasviews.agent.engine.Layer> leaving = new ArrayList<>();
        for (final Layer layer : container.layers()) {
            try {
                (wanted(layer, last, now) ? present : leaving).add(artifacts.fetch(layer));
            } catch (final Artifacts.ArtifactException e) {
                // What is to be taken back is, with its patch or without it.
                if (wanted(layer, last, now)) {
                    done.put(
                            layer.name(),
                            LayerStates.refused(layer, e.reason().value(), String.valueOf(e.getMessage()), now));
                }
            }
        }
        final List<dev.atlasviews.agent.engine.Layer> all = unlisted(process, container);
        all.addAll(present);
        final ProcessReport report =
                engine.reconcile(process, desired(all, leaving, container), new MoveLog(AUDIT, process.pid()));
        if (report.state() == ProcessReport.State.EXITED) {
            return Optional.empty();
        }
        final List<LayerStatus> layers = new ArrayList<>();
        for (final Layer layer : container.layers()) {
            final LayerStatus status = done.containsKey(layer.name())
                    ? Objects.requireNonNull(done.get(layer.name()))
                    : LayerStates.of(layer, report, expired(layer, last, now), now);
            final Optional<LayerStatus> before = statusOf(layer, last);
            audit(status, before, process);
            layers.add(LayerStates.since(status, before));
        }
        return Optional.of(status(process, container, report, layers, last));
    }

    /** A layer that was not listed is no order to take it back: it stays below the others. */
    private List<dev.atlasviews.agent.engine.Layer> unlisted(
            final TargetProcess process, final ContainerLayers container) throws IOException {
        final List<dev.atlasviews.agent.engine.Layer> layers = new ArrayList<>(engine.layers(process));
        layers.removeIf(layer -> container.layers().stream()
                .anyMatch(listed -> listed.digest().hex().equals(layer.digest())));
        return layers;
    }

    private Desired desired(
            final List<dev.atlasviews.agent.engine.Layer> layers,
            final List<dev.atlasviews.agent.engine.Layer> leaving,
            final ContainerLayers container) {
        final boolean together =
                container.layers().stream().anyMatch(layer -> layer.quiescence().scope() == QuiescenceScope.PROCESS);
        return new Desired(
                layers,
                leaving,
                together ? Desired.Scope.PROCESS : Desired.Scope.THREAD,
                SLICE,
                Desired.OnDeadline.KEEP);
    }

    private static boolean wanted(final Layer layer, final Optional<ProcessStatus> last, final Instant now) {
        return layer.desired() == DesiredState.PRESENT && !expired(layer, last, now);
    }

    /** Whether the layer's time is over, now or at an earlier try: what was taken back for that is not tried again. */
    private static boolean expired(final Layer layer, final Optional<ProcessStatus> last, final Instant now) {
        final Optional<LayerStatus> status = statusOf(layer, last);
        if (layer.desired() != DesiredState.PRESENT || status.isEmpty()) {
            return false;
        }
        return switch (status.get().state()) {
            case APPLYING ->
                layer.quiescence().onDeadline() == OnDeadline.REVERT
                        && now.isAfter(status.get()
                                .since()
                                .plusSeconds(layer.quiescence().deadlineSeconds()));
            case REVERTING -> true;
            case REVERTED -> status.get().reason().equals(LayerReason.DEADLINE_EXCEEDED.value());
            case NOTHING_TO_DO, APPLIED, REFUSED -> false;
        };
    }

    private static Optional<LayerStatus> statusOf(final Layer layer, final Optional<ProcessStatus> last) {
        return last.stream()
                .flatMap(status -> status.layers().stream())
                .filter(status ->
                        status.name().equals(layer.name()) && status.digest().equals(layer.digest()))
                .findFirst();
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
                process.mappings().stream()
                        .map(Mapping::name)
                        .filter(name -> name.startsWith("/"))
                        .findFirst()
                        .orElse(""),
                report.layers().isEmpty() ? null : new LayerStack(report.layers()).tag(),
                counts(report),
                held(report, last),
                layers);
    }

    private static ThreadCounts counts(final ProcessReport report) {
        return new ThreadCounts(
                report.threads().size(), report.inPlace(), report.held().size());
    }

    private static List<HeldThread> held(final ProcessReport report, final Optional<ProcessStatus> last) {
        return report.held().stream()
                .limit(ProcessStatus.MAX_HELD_THREADS)
                .map(thread -> new HeldThread(
                        thread.tid(), thread.name(), String.valueOf(thread.heldBy()), heldSince(thread, last)))
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

    private void audit(final LayerStatus status, final Optional<LayerStatus> before, final TargetProcess process) {
        final boolean news = before.isEmpty() || before.get().state() != status.state();
        if (news && status.state() != LayerState.NOTHING_TO_DO) {
            AUDIT.info(
                    "{} {} {} reason={} node={} pid={} startTime={}",
                    status.state(),
                    status.name(),
                    status.digest(),
                    status.reason(),
                    node,
                    process.pid(),
                    process.startTime());
        }
    }
}

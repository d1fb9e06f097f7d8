// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.logging.LogFields;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Brings the processes of one pod nearer to its PodView, and says how they are. */
final class PodViewReconciler {
    private static final Logger LOG = LoggerFactory.getLogger(PodViewReconciler.class);
    /** What needs attention comes first. */
    private static final List<LayerState> BY_ADVANCE = List.of(
            LayerState.REFUSED,
            LayerState.APPLYING,
            LayerState.REVERTING,
            LayerState.REVERTED,
            LayerState.APPLIED,
            LayerState.OBSERVED,
            LayerState.NOTHING_TO_DO);

    private final ContainerProcesses containers;
    private final String bootId;
    private final ProcessMemory memory;
    private final Listing listing;
    private final AuditLog audit;

    /** How one process is worked on. */
    interface ProcessStep {
        /**
         * Brings it nearer to the layers of its container; empty when it is gone.
         *
         * @param most how long threads that are held may keep it
         */
        Optional<ProcessStatus> reconcile(
                TargetProcess process, ContainerLayers container, Optional<ProcessStatus> last, Duration most)
                throws IOException;

        /** Whether a thread of a process that has areas of patches may have one of these layers: no is said for certain. */
        boolean mayHave(TargetProcess process, List<Layer> layers) throws IOException;
    }

    private final ProcessStep step;

    PodViewReconciler(
            final ContainerProcesses containers,
            final ProcessStep step,
            final String bootId,
            final ProcessMemory memory,
            final Listing listing,
            final AuditLog audit) {
        this.containers = containers;
        this.step = step;
        this.bootId = bootId;
        this.memory = memory;
        this.listing = listing;
        this.audit = audit;
    }

    /** The processes of a container, and where there may be more. */
    private record Members(ContainerGroup group, List<TargetProcess> processes) {}

    /** One pass over all processes; the status is what is to be written, empty while it is too early to say anything. */
    Optional<PodViewStatus> reconcile(final PodView view) throws IOException {
        final Map<ContainerLayers, Members> members = new LinkedHashMap<>();
        for (final ContainerLayers container : view.getSpec().containers()) {
            final String id = container.id();
            if (id != null && !container.layers().isEmpty()) {
                // A PodView is called by its pod's UID, and speaks of no other pod.
                final var group = new ContainerGroup(view.getMetadata().getName(), id);
                final ContainerProcesses.Found found = containers.find(group);
                if (found.onlyYoung()) {
                    return Optional.empty();
                }
                members.put(container, new Members(group, found.processes()));
            }
        }
        final var slices = new Slices(members.values().stream()
                .mapToInt(container -> container.processes().size())
                .sum());
        final List<ProcessStatus> statuses = new ArrayList<>();
        for (final Map.Entry<ContainerLayers, Members> entry : members.entrySet()) {
            final ContainerLayers container = entry.getKey();
            final List<ProcessStatus> found = new ArrayList<>();
            for (final TargetProcess process : entry.getValue().processes()) {
                reconcile(view, process, container, slices.next()).ifPresent(found::add);
            }
            final var offspring = new Offspring(
                    containers,
                    entry.getValue().group(),
                    step,
                    container,
                    entry.getValue().processes(),
                    found);
            if (!offspring.follow(child -> reconcile(view, child, container, slices.next()))) {
                LOG.info("container {} forks children with a layer that is being taken back", container.name());
                return Optional.empty();
            }
            statuses.addAll(found);
        }
        final boolean anyConcerned = statuses.stream().anyMatch(PodViewReconciler::concerned);
        final List<ProcessStatus> told = statuses.stream()
                .filter(status -> !anyConcerned || concerned(status))
                .sorted(Comparator.comparingInt(PodViewReconciler::rank))
                .toList();
        final var status = new PodViewStatus(view.getMetadata().getGeneration(), summary(told), listing.of(told));
        memory.keep(view, status, told);
        return Optional.of(status);
    }

    private Optional<ProcessStatus> reconcile(
            final PodView view, final TargetProcess process, final ContainerLayers container, final Duration most) {
        final Optional<ProcessStatus> last = memory.last(view, process);
        try (var _ = MDC.putCloseable(LogFields.CONTAINER, container.name());
                var _ = MDC.putCloseable(LogFields.PROCESS, String.valueOf(process.pid()))) {
            final Optional<ProcessStatus> now = attempt(process, container, last, most);
            now.ifPresent(status -> audit.write(view, container, last, status));
            return now;
        }
    }

    /** What goes wrong with one process is no reason to leave the others. */
    private Optional<ProcessStatus> attempt(
            final TargetProcess process,
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final Duration most) {
        try {
            return step.reconcile(process, container, last, most);
        } catch (final IOException | RuntimeException e) {
            if (!process.alive()) {
                return Optional.empty();
            }
            LOG.warn("process {} of container {} can not be worked on", process.pid(), container.name(), e);
            return Optional.of(new ProcessFailure(process, last, e, Instant.now()).status(container, bootId));
        }
    }

    /** Whether threads are still on their way. */
    static boolean inMotion(final PodViewStatus status) {
        return status.processes().stream()
                .flatMap(process -> process.layers().stream())
                .anyMatch(layer -> layer.state() == LayerState.APPLYING || layer.state() == LayerState.REVERTING);
    }

    private static PodViewSummary summary(final List<ProcessStatus> processes) {
        final Optional<LayerStatus> least = processes.stream()
                .flatMap(process -> process.layers().stream())
                .min(Comparator.comparingInt(layer -> BY_ADVANCE.indexOf(layer.state())));
        return new PodViewSummary(
                least.map(LayerStatus::state).orElse(LayerState.NOTHING_TO_DO),
                processes.size(),
                processes.stream().map(ProcessStatus::threads).reduce(ThreadCounts.NONE, ThreadCounts::plus),
                least.map(LayerStatus::message).orElse(null));
    }

    private static boolean concerned(final ProcessStatus status) {
        return status.layers().stream().anyMatch(layer -> layer.state() != LayerState.NOTHING_TO_DO);
    }

    private static int rank(final ProcessStatus status) {
        return status.layers().stream()
                .mapToInt(layer -> BY_ADVANCE.indexOf(layer.state()))
                .min()
                .orElse(BY_ADVANCE.size());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.ProcessStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks for processes that were forked while a pass took a layer from their parents. A child begins where its parent is, so
 * that it may have what no process of the pass has any more, and nobody would take it back once the layer is called
 * reverted. Who has not the layer has children without it only, so that the search is over once nobody is found who has it,
 * however often the container forks.
 */
final class Offspring {
    private static final int MOST_ROUNDS = 8;
    /** Doubled with each round: together most of a second. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);

    private final ContainerProcesses containers;
    private final ContainerGroup group;
    private final PodViewReconciler.ProcessStep step;
    private final ContainerLayers container;
    private final Set<TargetProcess> known;
    private final List<ProcessStatus> statuses;

    /** How a child is reconciled. */
    @FunctionalInterface
    interface Reconciling {
        Optional<ProcessStatus> reconcile(TargetProcess child);
    }

    /**
     * After a pass over the processes of a container.
     *
     * @param group where the container's processes are
     * @param processes that it went over
     * @param statuses what it said of them; what is said of their children is added
     */
    Offspring(
            final ContainerProcesses containers,
            final ContainerGroup group,
            final PodViewReconciler.ProcessStep step,
            final ContainerLayers container,
            final Collection<TargetProcess> processes,
            final List<ProcessStatus> statuses) {
        this.containers = containers;
        this.group = group;
        this.step = step;
        this.container = container;
        this.known = new HashSet<>(processes);
        this.statuses = statuses;
    }

    /**
     * Reconciles the children that may have a layer of which it would be said that it was taken back.
     *
     * @return whether that can be said; if not there may be more of them
     */
    boolean follow(final Reconciling reconciling) throws IOException {
        long clean = containers.now();
        for (int i = 0; i < MOST_ROUNDS; i++) {
            final List<Layer> layers = takenBack();
            if (layers.isEmpty()) {
                return true;
            }
            final Round round = new Round(layers, clean);
            containers.visit(group, round);
            if (round.having.isEmpty() && !round.unborn) {
                return true;
            }
            for (final TargetProcess child : round.having) {
                reconciling.reconcile(child).ifPresent(statuses::add);
            }
            if (!round.having.isEmpty()) {
                clean = containers.now();
            } else if (!letRun(FIRST_PAUSE.multipliedBy(1L << i))) {
                return false;
            }
        }
        return false;
    }

    /** Who has not run yet needs a processor, of which its group may have to wait for a share. */
    private static boolean letRun(final Duration pause) {
        try {
            Thread.sleep(pause);
            return true;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The layers that are to go, and that by what is known no thread has; not those whose patch another layer keeps. */
    private List<Layer> takenBack() {
        return container.layers().stream()
                .filter(layer -> layer.desired() == DesiredState.ABSENT)
                .filter(layer -> container.layers().stream()
                        .noneMatch(other -> other.desired() == DesiredState.PRESENT
                                && other.digest().equals(layer.digest())))
                .filter(layer -> statuses.stream()
                        .flatMap(status -> LayerPlan.before(layer, Optional.of(status)).stream())
                        .noneMatch(status -> status.state() == LayerState.REVERTING))
                .toList();
    }

    /** One look at all processes that there are now. */
    private final class Round implements ContainerProcesses.Visitor {
        private final List<Layer> layers;
        private final long clean;
        private final List<TargetProcess> having = new ArrayList<>();
        private boolean unborn;

        /**
         * A round.
         *
         * @param clean since when none of the known processes has the layers
         */
        Round(final List<Layer> layers, final long clean) {
            this.layers = layers;
            this.clean = clean;
        }

        @Override
        public void visit(final TargetProcess process) {
            if (!known.contains(process) && mayHave(process)) {
                known.add(process);
                having.add(process);
            }
        }

        /** Where that can not be told, it may. */
        private boolean mayHave(final TargetProcess process) {
            try {
                if (!ProcessEngine.touched(process)) {
                    return false;
                }
                // First, for it may be born while its threads are looked at.
                final boolean mayGet = mayGet(process);
                final boolean has = step.mayHave(process, layers);
                if (mayGet) {
                    unborn = true;
                } else {
                    known.add(process);
                }
                return has;
            } catch (final IOException | RuntimeException e) {
                return process.alive();
            }
        }

        /** Whether it is still to come to where its creator was, before the creator was without the layers. */
        private boolean mayGet(final TargetProcess process) throws IOException {
            return process.startTime() <= clean && ContainerProcesses.isYoung(process, clean) && process.isUnborn();
        }
    }
}

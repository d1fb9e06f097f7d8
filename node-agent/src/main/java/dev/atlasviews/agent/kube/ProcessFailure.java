// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Says of a process that could not be worked on what was known of it before, and why nothing is known now. */
final class ProcessFailure {
    private final TargetProcess process;
    private final Optional<ProcessStatus> last;
    private final LayerReason reason;
    private final String message;
    private final Instant now;

    ProcessFailure(
            final TargetProcess process,
            final Optional<ProcessStatus> last,
            final Exception failure,
            final Instant now) {
        this(
                process,
                last,
                reason(failure),
                failure instanceof IOException ? String.valueOf(failure.getMessage()) : "the agent failed: " + failure,
                now);
    }

    ProcessFailure(
            final TargetProcess process,
            final Optional<ProcessStatus> last,
            final LayerReason reason,
            final String message,
            final Instant now) {
        this.process = process;
        this.last = last;
        this.reason = reason;
        this.message = message;
        this.now = now;
    }

    ProcessStatus status(final ContainerLayers container, final String bootId) {
        final boolean touched = touched();
        final List<LayerStatus> layers = container.layers().stream()
                .map(layer -> LayerStates.since(status(layer, touched), LayerPlan.before(layer, last)))
                .toList();
        return new ProcessStatus(
                container.name(),
                Objects.requireNonNull(container.id()),
                bootId,
                Math.toIntExact(process.pid()),
                process.startTime(),
                program(),
                last.map(ProcessFailure::view).orElse(null),
                last.map(ProcessStatus::threads).orElse(ThreadCounts.NONE),
                last.map(ProcessStatus::heldThreads).orElse(List.of()),
                layers);
    }

    private LayerStatus status(final Layer layer, final boolean touched) {
        final Optional<LayerStatus> before = LayerPlan.before(layer, last);
        if (layer.desired() == DesiredState.ABSENT) {
            return touched
                    ? status(layer, LayerState.REVERTING, reason, message, before)
                    : status(layer, LayerState.REVERTED, LayerReason.TAKEN_BACK, "no thread ever had it", before);
        }
        // The deadline goes on, and what it ended stays ended.
        if (before.filter(status -> LayerStates.isEndedByDeadline(status, layer))
                .isPresent()) {
            return before.get();
        }
        final LayerState state =
                before.filter(LayerStates::isMoving).map(LayerStatus::state).orElse(LayerState.REFUSED);
        return status(layer, state, reason, message, before);
    }

    private LayerStatus status(
            final Layer layer,
            final LayerState state,
            final LayerReason why,
            final String sentence,
            final Optional<LayerStatus> before) {
        return LayerStates.status(
                layer,
                state,
                why.value(),
                sentence,
                now,
                before.map(LayerStatus::threads).orElse(ThreadCounts.NONE));
    }

    private static @Nullable String view(final ProcessStatus status) {
        return status.view();
    }

    /** Where that can not be told, it may be. */
    private boolean touched() {
        try {
            return ProcessEngine.touched(process);
        } catch (final IOException | RuntimeException e) {
            return true;
        }
    }

    private String program() {
        try {
            return ProcessReconciler.program(process);
        } catch (final IOException | RuntimeException e) {
            return "";
        }
    }

    private static LayerReason reason(final Exception failure) {
        if (failure instanceof final ViewException refused) {
            return switch (refused.errno()) {
                case EOPNOTSUPP -> LayerReason.UNSUPPORTED_TARGET;
                case EPERM, EACCES -> LayerReason.ACCESS_DENIED;
                default -> LayerReason.INTERNAL_ERROR;
            };
        }
        return LayerReason.INTERNAL_ERROR;
    }
}

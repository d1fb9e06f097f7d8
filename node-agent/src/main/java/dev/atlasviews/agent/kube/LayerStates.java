// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Says what a report on a process means for one of its layers. */
final class LayerStates {
    private LayerStates() {}

    /** A layer that can not be tried. */
    static LayerStatus refused(final Layer layer, final String reason, final String message, final Instant since) {
        return new LayerStatus(
                layer.name(), layer.digest(), LayerState.REFUSED, reason, message, since, ThreadCounts.NONE);
    }

    /**
     * The state of a layer after a try.
     *
     * @param expired whether its time is over and it is being taken back for that
     */
    static LayerStatus of(final Layer layer, final ProcessReport report, final boolean expired, final Instant since) {
        final boolean present = layer.desired() == DesiredState.PRESENT && !expired;
        final ThreadCounts counts = counts(layer, report, present);
        if (present && report.unconcerned().contains(layer.digest().hex())) {
            return status(
                    layer,
                    LayerState.NOTHING_TO_DO,
                    LayerReason.BUILD_ID_MISMATCH,
                    "the process runs no program that the patch was built for",
                    since,
                    ThreadCounts.NONE);
        }
        return present ? applying(layer, report, counts, since) : leaving(layer, report, counts, expired, since);
    }

    /** The same, but in its state since it came into it. */
    static LayerStatus since(final LayerStatus status, final Optional<LayerStatus> before) {
        return before.filter(old -> old.state() == status.state())
                .map(old -> new LayerStatus(
                        status.name(),
                        status.digest(),
                        status.state(),
                        status.reason(),
                        status.message(),
                        old.since(),
                        status.threads()))
                .orElse(status);
    }

    private static LayerStatus applying(
            final Layer layer, final ProcessReport report, final ThreadCounts counts, final Instant since) {
        if (counts.moved() == counts.total() && report.state() != ProcessReport.State.EXITED) {
            return status(
                    layer,
                    LayerState.APPLIED,
                    LayerReason.ALL_THREADS_MOVED,
                    "all %d threads run it".formatted(counts.total()),
                    since,
                    counts);
        }
        if (report.state() == ProcessReport.State.REFUSED) {
            return new LayerStatus(
                    layer.name(), layer.digest(), LayerState.REFUSED, report.reason(), report.message(), since, counts);
        }
        return status(
                layer,
                LayerState.APPLYING,
                counts.held() > 0 ? LayerReason.WAITING_FOR_QUIESCENCE : LayerReason.MOVING_THREADS,
                report.message().isEmpty() ? moved(counts) : report.message(),
                since,
                counts);
    }

    private static LayerStatus leaving(
            final Layer layer,
            final ProcessReport report,
            final ThreadCounts counts,
            final boolean expired,
            final Instant since) {
        if (counts.moved() == counts.total()) {
            return status(
                    layer,
                    LayerState.REVERTED,
                    expired ? LayerReason.DEADLINE_EXCEEDED : LayerReason.TAKEN_BACK,
                    expired ? "threads were held until the deadline; no thread has it any more" : "no thread has it",
                    since,
                    new ThreadCounts(counts.total(), 0, 0));
        }
        return status(
                layer,
                LayerState.REVERTING,
                counts.held() > 0 ? LayerReason.WAITING_FOR_QUIESCENCE : LayerReason.MOVING_THREADS,
                report.message().isEmpty() ? moved(counts) : report.message(),
                since,
                new ThreadCounts(counts.total(), counts.total() - counts.moved(), counts.held()));
    }

    private static ThreadCounts counts(final Layer layer, final ProcessReport report, final boolean present) {
        final ThreadFilter filter = new ThreadFilter(layer.threads().namePattern());
        final List<ThreadReport> selected = report.threads().stream()
                .filter(thread -> filter.matches(thread.name()))
                .toList();
        final int moved = (int) selected.stream()
                .filter(thread -> has(thread, layer) == present)
                .count();
        final int held = (int)
                selected.stream().filter(thread -> thread.heldBy() != null).count();
        return new ThreadCounts(selected.size(), moved, held);
    }

    private static boolean has(final ThreadReport thread, final Layer layer) {
        return thread.stack() != null
                && thread.stack().digests().contains(layer.digest().hex());
    }

    private static String moved(final ThreadCounts counts) {
        return "%d of %d threads have moved".formatted(counts.moved(), counts.total());
    }

    private static LayerStatus status(
            final Layer layer,
            final LayerState state,
            final LayerReason reason,
            final String message,
            final Instant since,
            final ThreadCounts counts) {
        return new LayerStatus(layer.name(), layer.digest(), state, reason.value(), message, since, counts);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.engine.ThreadShare;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Says what a report on a process means for one of its layers. */
final class LayerStates {
    private LayerStates() {}

    /** A layer that can not be tried. */
    static LayerStatus refused(final Layer layer, final String reason, final String message, final Instant since) {
        return status(layer, LayerState.REFUSED, reason, message, since, ThreadCounts.NONE);
    }

    /** A layer that was left out of a try: it is refused once no thread has it any more. */
    static LayerStatus leftOut(
            final Layer layer, final WithoutRefused.Refusal why, final ProcessReport report, final Instant since) {
        final ThreadCounts counts = counts(layer, report, false);
        return counts.moved() == counts.total()
                ? refused(layer, why.reason(), why.message(), since)
                : status(layer, LayerState.REVERTING, why.reason(), why.message(), since, stillThere(counts));
    }

    /** A layer whose patch is on its way to the node. */
    static LayerStatus fetching(final Layer layer, final String message, final Instant since) {
        return status(layer, LayerState.APPLYING, LayerReason.FETCHING_PATCH, message, since, ThreadCounts.NONE);
    }

    /** Whether a layer has not begun, for its patch was on its way. */
    static boolean isFetching(final LayerStatus status) {
        return status.reason().equals(LayerReason.FETCHING_PATCH.value());
    }

    /** Whether a layer that is wanted has been taken back, or is being, for its deadline, and is no other since. */
    static boolean isEndedByDeadline(final LayerStatus status, final Layer layer) {
        return (status.state() == LayerState.REVERTING || status.state() == LayerState.REVERTED)
                && status.reason().equals(LayerReason.DEADLINE_EXCEEDED.value())
                && (status.generation() == null
                        || layer.origin() == null
                        || status.generation() == layer.origin().generation());
    }

    /** Whether threads are on their way to a layer, or back. */
    static boolean isMoving(final LayerStatus status) {
        return switch (status.state()) {
            case APPLYING -> !isFetching(status);
            case REVERTING -> true;
            case APPLIED, NOTHING_TO_DO, OBSERVED, REFUSED, REVERTED -> false;
        };
    }

    /** Whether threads have a wanted layer, or are on their way to it, or none should have it. */
    static boolean isBegun(final LayerStatus status) {
        return switch (status.state()) {
            case APPLIED, NOTHING_TO_DO -> true;
            case APPLYING -> !isFetching(status);
            case OBSERVED, REFUSED, REVERTING, REVERTED -> false;
        };
    }

    /** A layer that is to be taken back while the same patch is wanted by another, so that nothing is to be done for it. */
    static LayerStatus keptByAnother(final Layer layer, final boolean expired, final Instant since) {
        return status(
                layer,
                LayerState.REVERTED,
                expired ? LayerReason.DEADLINE_EXCEEDED : LayerReason.TAKEN_BACK,
                "threads that have the patch have it by another layer, which is wanted",
                since,
                ThreadCounts.NONE);
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

    /** The same, but in its state since it came into it; the time that a patch takes to come to the node is none of it. */
    static LayerStatus since(final LayerStatus status, final Optional<LayerStatus> before) {
        return before.filter(old -> old.state() == status.state() && isFetching(old) == isFetching(status))
                .map(old -> new LayerStatus(
                        status.name(),
                        status.digest(),
                        status.state(),
                        status.reason(),
                        status.message(),
                        old.since(),
                        status.generation(),
                        status.threads()))
                .orElse(status);
    }

    private static LayerStatus applying(
            final Layer layer, final ProcessReport report, final ThreadCounts counts, final Instant since) {
        if (report.state() == ProcessReport.State.REFUSED) {
            return status(layer, LayerState.REFUSED, report.reason(), report.message(), since, counts);
        }
        if (counts.total() == 0) {
            return status(
                    layer,
                    LayerState.NOTHING_TO_DO,
                    LayerReason.NO_THREAD_MATCHES,
                    noThread(layer, report.threads().stream().anyMatch(thread -> isWithheld(thread, layer))),
                    since,
                    counts);
        }
        if (counts.moved() == counts.total()) {
            return status(layer, LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED, all(layer, counts), since, counts);
        }
        return status(
                layer,
                LayerState.APPLYING,
                onTheWay(counts),
                report.message().isEmpty() ? moved(counts) : report.message(),
                since,
                counts);
    }

    /**
     * Why there is nothing to do.
     *
     * @param withheld whether the layer is meant for threads that do not get what it is based on
     */
    static String noThread(final Layer layer, final boolean withheld) {
        return (withheld ? "no thread that gets what it is based on matches " : "no thread matches ")
                + layer.threads().namePattern();
    }

    private static String all(final Layer layer, final ThreadCounts counts) {
        final ThreadShare share = Artifacts.share(layer);
        return "all %d threads%s run it".formatted(counts.total(), share.all() ? "" : " of a share of " + share);
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
                expired ? LayerReason.DEADLINE_EXCEEDED : onTheWay(counts),
                report.message().isEmpty() ? moved(counts) : report.message(),
                since,
                stillThere(counts));
    }

    /** Of threads that leave a layer, those that have it. */
    private static ThreadCounts stillThere(final ThreadCounts counts) {
        return new ThreadCounts(counts.total(), counts.total() - counts.moved(), counts.held());
    }

    private static ThreadCounts counts(final Layer layer, final ProcessReport report, final boolean present) {
        final Set<Integer> chosen = Artifacts.threads(layer)
                .chosen(report.threads().stream()
                        .collect(Collectors.toMap(ThreadReport::tid, ThreadReport::name, (one, other) -> one)));
        final List<ThreadReport> selected = report.threads().stream()
                .filter(thread -> (chosen.contains(thread.tid()) && !isWithheld(thread, layer))
                        || (!present && mayHave(report, thread, layer)))
                .toList();
        final int moved = (int) selected.stream()
                .filter(thread -> present ? has(report, thread, layer) : !mayHave(report, thread, layer))
                .count();
        final int held = (int)
                selected.stream().filter(thread -> thread.heldBy() != null).count();
        return new ThreadCounts(selected.size(), moved, held);
    }

    /** Whether a thread does not get a layer that is meant for it, for it does not get what that is based on. */
    private static boolean isWithheld(final ThreadReport thread, final Layer layer) {
        return thread.withheld().contains(layer.digest().hex());
    }

    /** Of an outdated view nobody knows which of its layers it lacks: who is in it has none for certain. */
    private static boolean has(final ProcessReport report, final ThreadReport thread, final Layer layer) {
        return thread.stack() != null && !thread.outdated() && mayHave(report, thread, layer);
    }

    /** Whether a thread of the process may have a layer. */
    static boolean mayHave(final ProcessReport report, final Layer layer) {
        return report.threads().stream().anyMatch(thread -> mayHave(report, thread, layer));
    }

    /**
     * A thread in a view that is not known may have any layer: it has neither come to one nor left one. But where the process
     * never had any, such a view is its own.
     */
    private static boolean mayHave(final ProcessReport report, final ThreadReport thread, final Layer layer) {
        return thread.stack() == null
                ? report.retainedBytes() > 0
                : thread.stack().digests().contains(layer.digest().hex());
    }

    private static LayerReason onTheWay(final ThreadCounts counts) {
        return counts.held() > 0 ? LayerReason.WAITING_FOR_QUIESCENCE : LayerReason.MOVING_THREADS;
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
        return status(layer, state, reason.value(), message, since, counts);
    }

    /** A status with a message as long as one may be. */
    static LayerStatus status(
            final Layer layer,
            final LayerState state,
            final String reason,
            final String message,
            final Instant since,
            final ThreadCounts counts) {
        return new LayerStatus(
                layer.name(),
                layer.digest(),
                state,
                reason,
                Texts.message(message),
                since,
                layer.origin() == null ? null : layer.origin().generation(),
                counts);
    }
}

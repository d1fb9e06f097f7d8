// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static java.util.stream.Collectors.joining;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import java.util.List;

/**
 * What the conditions say of all pods together. What is false of one pod is false of the whole, what is unknown of one is
 * unknown of the whole where nothing is false, and only what is true of all is true.
 *
 * @param applied whether every process that the change fits runs it in every selected thread
 * @param progressing whether something is still to be done
 * @param degraded whether something needs a human
 * @param reason why, in one word
 * @param message why, in a sentence that names pods and nodes
 */
record Verdict(Status applied, Status progressing, Status degraded, String reason, String message) {
    private static final int NAMED_PODS = 5;

    /** What a condition may be. */
    enum Status {
        TRUE("True"),
        FALSE("False"),
        UNKNOWN("Unknown");

        private final String value;

        Status(final String value) {
            this.value = value;
        }

        static Status of(final boolean holds) {
            return holds ? TRUE : FALSE;
        }

        String value() {
            return value;
        }
    }

    /** A ViewPatch that can not be acted on. */
    static Verdict unaccepted(final Acceptance acceptance, final PodCounts counts) {
        return new Verdict(
                Status.FALSE,
                Status.of(counts.progressing() > 0),
                Status.TRUE,
                acceptance.reason(),
                acceptance.message());
    }

    /** A ViewPatch that is being taken back from pods, at the order of whoever deleted it. */
    static Verdict reverting(final List<PodOutcome> pods) {
        final boolean lost = pods.stream().anyMatch(pod -> pod.outcome() == Outcome.UNREACHABLE);
        return new Verdict(
                Status.FALSE,
                Status.TRUE,
                lost ? Status.UNKNOWN : Status.FALSE,
                "Reverting",
                "taking the change back from %d pods: %s".formatted(pods.size(), messages(pods)));
    }

    /** A ViewPatch that is to be applied. */
    static Verdict applying(
            final ViewPatch patch,
            final List<PodOutcome> pods,
            final ThreadCounts threads,
            final RolloutStatus rollout,
            final List<String> predecessors) {
        final RolloutFailure failure = rollout.failure();
        if (failure != null) {
            return failed(rollout, failure, pods);
        }
        if (pods.isEmpty()) {
            return quiet("NoMatchingPods", "no running pod of this namespace matches the selector");
        }
        final Status progressing = Status.of(has(pods, Outcome.PROGRESSING) || isOnItsWay(rollout));
        for (final Outcome bad : List.of(Outcome.REFUSED, Outcome.REVERTED)) {
            if (has(pods, bad)) {
                return new Verdict(Status.FALSE, progressing, Status.TRUE, reason(pods, bad), messages(pods, bad));
            }
        }
        if (has(pods, Outcome.PROGRESSING)) {
            return new Verdict(
                    Status.FALSE,
                    Status.TRUE,
                    has(pods, Outcome.UNREACHABLE) ? Status.UNKNOWN : Status.FALSE,
                    reason(pods, Outcome.PROGRESSING),
                    "%d of %d threads moved; %s"
                            .formatted(threads.moved(), threads.total(), messages(pods, Outcome.PROGRESSING)));
        }
        if (has(pods, Outcome.WAITING)) {
            return waiting(patch, pods, rollout, predecessors);
        }
        if (has(pods, Outcome.UNREACHABLE)) {
            return new Verdict(
                    Status.UNKNOWN,
                    progressing,
                    Status.UNKNOWN,
                    reason(pods, Outcome.UNREACHABLE),
                    messages(pods, Outcome.UNREACHABLE));
        }
        return settled(patch, pods, threads, progressing);
    }

    private static Verdict settled(
            final ViewPatch patch, final List<PodOutcome> pods, final ThreadCounts threads, final Status progressing) {
        if (has(pods, Outcome.OBSERVED)) {
            return quiet(
                    "Observed",
                    "%d threads in %d pods would be changed; %s"
                            .formatted(
                                    threads.total(), count(pods, Outcome.OBSERVED), messages(pods, Outcome.OBSERVED)));
        }
        if (!has(pods, Outcome.APPLIED)) {
            return nothingToDo(patch, pods);
        }
        final boolean already = pods.stream()
                .filter(pod -> pod.outcome() == Outcome.APPLIED)
                .allMatch(pod -> pod.reason().equals("AlreadyApplied"));
        return new Verdict(
                Status.TRUE,
                progressing,
                Status.FALSE,
                already ? "AlreadyApplied" : "Applied",
                already
                        ? "nothing had to be done: " + messages(pods, Outcome.APPLIED)
                        : "%d threads in %d pods run the new code"
                                .formatted(threads.moved(), count(pods, Outcome.APPLIED)));
    }

    /** Where a change was in use and no pod fits it any more, their images have been replaced. */
    private static Verdict nothingToDo(final ViewPatch patch, final List<PodOutcome> pods) {
        final String reason = reason(pods, Outcome.NOTHING_TO_DO);
        final boolean superseded = reason.equals(LayerReason.BUILD_ID_MISMATCH.value()) && wasApplied(patch);
        return superseded
                ? quiet(
                        "Superseded",
                        "no pod runs the build any more that this was applied to, so it can be deleted; "
                                + messages(pods, Outcome.NOTHING_TO_DO))
                : quiet(reason, messages(pods, Outcome.NOTHING_TO_DO));
    }

    private static boolean wasApplied(final ViewPatch patch) {
        return patch.getStatus() != null
                && Conditions.find(patch.getStatus().conditions(), ConditionType.APPLIED)
                        .filter(before -> before.getStatus().equals("True")
                                || before.getReason().equals("Superseded"))
                        .isPresent();
    }

    private static Verdict waiting(
            final ViewPatch patch,
            final List<PodOutcome> pods,
            final RolloutStatus rollout,
            final List<String> predecessors) {
        final long waiting = count(pods, Outcome.WAITING);
        if (!predecessors.isEmpty() && rollout.phase() == RolloutPhase.WAITING) {
            return new Verdict(
                    Status.FALSE,
                    Status.TRUE,
                    Status.FALSE,
                    "WaitingForViewPatch",
                    "%d pods wait until these ViewPatches are applied: %s"
                            .formatted(waiting, String.join(", ", predecessors)));
        }
        if (patch.getSpec().rollout().paused()) {
            return new Verdict(
                    Status.FALSE,
                    Status.FALSE,
                    Status.FALSE,
                    "Paused",
                    "the rollout is paused after wave %d; %d pods wait".formatted(rollout.wave(), waiting));
        }
        return new Verdict(
                Status.FALSE,
                Status.TRUE,
                Status.FALSE,
                rollout.phase() == RolloutPhase.SOAKING ? "Soaking" : "RollingOut",
                "wave %d, since %s; %d pods wait".formatted(rollout.wave(), rollout.since(), waiting));
    }

    private static Verdict failed(
            final RolloutStatus rollout, final RolloutFailure failure, final List<PodOutcome> pods) {
        final boolean reverted = rollout.phase() == RolloutPhase.REVERTED;
        final long left = count(pods, Outcome.PROGRESSING) + count(pods, Outcome.UNREACHABLE);
        final String done = left == 0 ? "taken back" : "being taken back from %d pods".formatted(left);
        return new Verdict(
                Status.FALSE,
                Status.of(has(pods, Outcome.PROGRESSING)),
                Status.TRUE,
                failure.reason(),
                (reverted ? done : "no further wave begins") + ": " + failure.message());
    }

    private static Verdict quiet(final String reason, final String message) {
        return new Verdict(Status.FALSE, Status.FALSE, Status.FALSE, reason, message);
    }

    private static boolean isOnItsWay(final RolloutStatus rollout) {
        return rollout.phase() == RolloutPhase.PROGRESSING || rollout.phase() == RolloutPhase.SOAKING;
    }

    private static boolean has(final List<PodOutcome> pods, final Outcome outcome) {
        return pods.stream().anyMatch(pod -> pod.outcome() == outcome);
    }

    private static long count(final List<PodOutcome> pods, final Outcome outcome) {
        return pods.stream().filter(pod -> pod.outcome() == outcome).count();
    }

    /** The reason of the pods with some outcome; where they differ, that of the one whose threads are held. */
    private static String reason(final List<PodOutcome> pods, final Outcome outcome) {
        return pods.stream()
                .filter(pod -> pod.outcome() == outcome)
                .reduce((one, other) -> other.threads().held() > one.threads().held() ? other : one)
                .map(PodOutcome::reason)
                .orElseThrow();
    }

    private static String messages(final List<PodOutcome> pods, final Outcome outcome) {
        return messages(pods.stream().filter(pod -> pod.outcome() == outcome).toList());
    }

    private static String messages(final List<PodOutcome> pods) {
        final String named = pods.stream()
                .map(PodOutcome::message)
                .sorted()
                .limit(NAMED_PODS)
                .collect(joining("; "));
        return pods.size() > NAMED_PODS ? named + "; and " + (pods.size() - NAMED_PODS) + " more pods" : named;
    }
}

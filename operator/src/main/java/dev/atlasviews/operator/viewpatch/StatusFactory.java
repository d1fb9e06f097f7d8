// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static java.util.stream.Collectors.joining;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.util.List;

/** Puts what became of a ViewPatch in each pod together into its status. */
final class StatusFactory {
    /** How many pods a message names. */
    private static final int NAMED_PODS = 3;

    private final ViewPatch patch;
    private final Instant now;

    StatusFactory(final ViewPatch patch, final Instant now) {
        this.patch = patch;
        this.now = now;
    }

    /** The status of a ViewPatch that is to be applied. */
    ViewPatchStatus applying(final Acceptance acceptance, final List<PodOutcome> pods) {
        final PodCounts counts = count(pods);
        final ThreadCounts threads = threads(pods);
        final Verdict verdict = acceptance.accepted()
                ? verdict(counts, threads, pods)
                : new Verdict(false, counts.progressing() > 0, true, acceptance.reason(), acceptance.message());
        return status(acceptance, verdict, counts, threads);
    }

    /** The status of a ViewPatch that is being taken back from the pods that still have it. */
    ViewPatchStatus reverting(final Acceptance acceptance, final List<PodOutcome> pods) {
        final PodCounts counts = count(pods);
        final var verdict = new Verdict(
                false,
                true,
                false,
                "Reverting",
                "taking the change back from %d pods: %s".formatted(pods.size(), messages(pods, Outcome.PROGRESSING)));
        return status(acceptance, verdict, counts, threads(pods));
    }

    /** What the conditions say; the reason and message are those of whatever matters most. */
    private record Verdict(boolean applied, boolean progressing, boolean degraded, String reason, String message) {}

    private static Verdict verdict(final PodCounts counts, final ThreadCounts threads, final List<PodOutcome> pods) {
        final boolean progressing = counts.progressing() > 0;
        if (counts.selected() == 0) {
            return new Verdict(false, false, false, "NoPods", "no running pod of this namespace matches the selector");
        }
        for (final Outcome failure : List.of(Outcome.REFUSED, Outcome.REVERTED)) {
            if (pods.stream().anyMatch(pod -> pod.outcome() == failure)) {
                return new Verdict(false, progressing, true, reason(pods, failure), messages(pods, failure));
            }
        }
        if (progressing) {
            return new Verdict(
                    false,
                    true,
                    false,
                    reason(pods, Outcome.PROGRESSING),
                    "%d of %d threads moved; %s"
                            .formatted(threads.moved(), threads.total(), messages(pods, Outcome.PROGRESSING)));
        }
        if (counts.applied() == 0) {
            return new Verdict(
                    false, false, false, reason(pods, Outcome.NOTHING_TO_DO), messages(pods, Outcome.NOTHING_TO_DO));
        }
        return new Verdict(
                true,
                false,
                false,
                "Applied",
                "%d threads in %d pods run the new code".formatted(threads.moved(), counts.applied()));
    }

    private ViewPatchStatus status(
            final Acceptance acceptance, final Verdict verdict, final PodCounts counts, final ThreadCounts threads) {
        final List<Condition> before =
                patch.getStatus() == null ? List.of() : patch.getStatus().conditions();
        final Long generation = patch.getMetadata().getGeneration();
        final var conditions = new Conditions(before, generation, now);
        conditions.add(ConditionType.ACCEPTED, acceptance.accepted(), acceptance.reason(), acceptance.message());
        conditions.add(ConditionType.PROGRESSING, verdict.progressing(), verdict.reason(), verdict.message());
        conditions.add(ConditionType.APPLIED, verdict.applied(), verdict.reason(), verdict.message());
        conditions.add(
                ConditionType.DEGRADED,
                verdict.degraded(),
                verdict.degraded() ? verdict.reason() : "AsExpected",
                verdict.degraded() ? verdict.message() : "nothing needs a human");
        return new ViewPatchStatus(generation, conditions.toList(), counts, threads);
    }

    private static PodCounts count(final List<PodOutcome> pods) {
        return new PodCounts(
                pods.size(),
                count(pods, Outcome.APPLIED),
                count(pods, Outcome.PROGRESSING),
                count(pods, Outcome.NOTHING_TO_DO),
                count(pods, Outcome.REFUSED),
                count(pods, Outcome.REVERTED));
    }

    private static int count(final List<PodOutcome> pods, final Outcome outcome) {
        return (int) pods.stream().filter(pod -> pod.outcome() == outcome).count();
    }

    private static ThreadCounts threads(final List<PodOutcome> pods) {
        return pods.stream().map(PodOutcome::threads).reduce(ThreadCounts.NONE, ThreadCounts::plus);
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
        final List<String> messages = pods.stream()
                .filter(pod -> pod.outcome() == outcome)
                .map(PodOutcome::message)
                .sorted()
                .toList();
        final String named = messages.stream().limit(NAMED_PODS).collect(joining("; "));
        return messages.size() > NAMED_PODS ? named + "; and " + (messages.size() - NAMED_PODS) + " more pods" : named;
    }
}

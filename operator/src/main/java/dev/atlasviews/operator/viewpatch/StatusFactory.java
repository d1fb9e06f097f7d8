// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Puts what became of a ViewPatch in each pod together into its status. */
final class StatusFactory {
    private final ViewPatch patch;
    private final Instant now;

    StatusFactory(final ViewPatch patch, final Instant now) {
        this.patch = patch;
        this.now = now;
    }

    /** The status of a ViewPatch that can not be acted on; what it did before it changed stays. */
    ViewPatchStatus unaccepted(final Acceptance acceptance, final List<PodOutcome> pods) {
        final RolloutStatus before =
                patch.getStatus() == null ? null : patch.getStatus().rollout();
        return status(acceptance, Verdict.unaccepted(acceptance, count(pods)), pods, before);
    }

    /**
     * The status of a ViewPatch that is to be applied.
     *
     * @param rollout how far its rollout is
     * @param predecessors ViewPatches that go first and are not applied yet
     */
    ViewPatchStatus applying(
            final Acceptance acceptance,
            final List<PodOutcome> pods,
            final RolloutStatus rollout,
            final List<String> predecessors) {
        return status(acceptance, Verdict.applying(patch, pods, threads(pods), rollout, predecessors), pods, rollout);
    }

    /** The status of a ViewPatch that is being taken back from the pods that still have it. */
    ViewPatchStatus reverting(final Acceptance acceptance, final List<PodOutcome> pods) {
        return status(acceptance, Verdict.reverting(pods), pods, null);
    }

    private ViewPatchStatus status(
            final Acceptance acceptance,
            final Verdict verdict,
            final List<PodOutcome> pods,
            final @Nullable RolloutStatus rollout) {
        final List<Condition> before =
                patch.getStatus() == null ? List.of() : patch.getStatus().conditions();
        final Long generation = patch.getMetadata().getGeneration();
        final boolean fine = verdict.degraded() == Verdict.Status.FALSE;
        final var conditions = new Conditions(before, generation, now);
        conditions.add(
                ConditionType.ACCEPTED,
                Verdict.Status.of(acceptance.accepted()),
                acceptance.reason(),
                acceptance.message());
        conditions.add(ConditionType.PROGRESSING, verdict.progressing(), verdict.reason(), verdict.message());
        conditions.add(ConditionType.APPLIED, verdict.applied(), verdict.reason(), verdict.message());
        conditions.add(
                ConditionType.DEGRADED,
                verdict.degraded(),
                fine ? "AsExpected" : verdict.reason(),
                fine ? "nothing needs a human" : verdict.message());
        return new ViewPatchStatus(generation, conditions.toList(), count(pods), threads(pods), rollout);
    }

    private static PodCounts count(final List<PodOutcome> pods) {
        return new PodCounts(
                pods.size(),
                count(pods, Outcome.APPLIED),
                count(pods, Outcome.PROGRESSING),
                count(pods, Outcome.NOTHING_TO_DO) + count(pods, Outcome.OBSERVED),
                count(pods, Outcome.REFUSED),
                count(pods, Outcome.REVERTED),
                count(pods, Outcome.WAITING),
                count(pods, Outcome.UNREACHABLE));
    }

    private static int count(final List<PodOutcome> pods, final Outcome outcome) {
        return (int) pods.stream().filter(pod -> pod.outcome() == outcome).count();
    }

    private static ThreadCounts threads(final List<PodOutcome> pods) {
        return pods.stream().map(PodOutcome::threads).reduce(ThreadCounts.NONE, ThreadCounts::plus);
    }
}

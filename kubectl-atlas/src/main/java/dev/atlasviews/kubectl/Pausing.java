// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.Optional;
import java.util.Set;

/** The pause of a rollout, and whether there is a rollout that it is of. */
final class Pausing {
    /** Not that of "apply": a file that says nothing of a pause leaves it as it is. */
    private static final String MANAGER = "kubectl-atlas-pause";

    private Pausing() {}

    /** Sets and clears it, and nothing else of the specification. */
    static void set(final KubernetesClient client, final ViewPatch patch, final boolean paused) {
        client.resource(patch)
                .patch(
                        new PatchContext.Builder()
                                .withPatchType(PatchType.JSON_MERGE)
                                .withFieldManager(MANAGER)
                                .build(),
                        "{\"spec\":{\"rollout\":{\"paused\":%s}}}".formatted(paused));
    }

    /**
     * The rollout of what the ViewPatch asks for now, if it has ended, well or badly. To change anything of the specification
     * would be the word to try one anew that has failed.
     */
    static Optional<RolloutStatus> ended(final ViewPatch patch) {
        return CurrentRollout.of(patch)
                .filter(rollout -> Set.of(RolloutPhase.COMPLETE, RolloutPhase.FAILED, RolloutPhase.REVERTED)
                        .contains(rollout.phase()))
                .filter(rollout -> !wasOnlyObserved(rollout) && !CurrentRollout.isTriedAnew(patch));
    }

    /**
     * The same where to lift a pause would not help: that of a wave that took too long is lifted, and as a change of the
     * specification that lets it go on.
     */
    static Optional<RolloutStatus> beyondResuming(final ViewPatch patch) {
        return ended(patch).filter(rollout -> !tookTooLong(rollout) || !isPaused(patch));
    }

    /** Whether it is asked for; of a ViewPatch that can not be read nobody knows. */
    static boolean isPaused(final ViewPatch patch) {
        return patch.isReadable() && patch.getSpec().rollout().paused();
    }

    /** Whether it failed because a wave took too long, of which it goes on by itself: to pause it makes sense. */
    static boolean tookTooLong(final RolloutStatus rollout) {
        return rollout.phase() == RolloutPhase.FAILED
                && rollout.failure() != null
                && rollout.failure().reason().equals(RolloutFailure.DEADLINE_EXCEEDED);
    }

    /** Why it failed. */
    static String failure(final RolloutStatus rollout) {
        final RolloutFailure failure = rollout.failure();
        return failure == null ? "Unknown" : Visible.line(failure.reason() + ": " + failure.message());
    }

    /** What follows a look begins anew, and may be paused before. */
    private static boolean wasOnlyObserved(final RolloutStatus rollout) {
        return rollout.wave() == CurrentRollout.OBSERVING && rollout.phase() != RolloutPhase.REVERTED;
    }
}

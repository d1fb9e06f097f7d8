// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.Objects;
import java.util.Optional;

/**
 * The rollout that a ViewPatch's status tells of, where it is of what the ViewPatch asks for now. Another digest begins anew,
 * and so does what was only observed: that no pod would refuse a change says nothing of how they do with it.
 */
public final class CurrentRollout {
    /** The wave of what is only observed: all pods at once, for nothing happens to them. */
    public static final int OBSERVING = 0;

    private CurrentRollout() {}

    /**
     * Looks for it.
     *
     * @param patch a ViewPatch
     * @return its rollout; empty before there is one
     */
    public static Optional<RolloutStatus> of(final ViewPatch patch) {
        final RolloutStatus stored =
                patch.getStatus() == null ? null : patch.getStatus().rollout();
        return Optional.ofNullable(stored)
                .filter(rollout -> patch.isReadable())
                .filter(rollout ->
                        rollout.digest().equals(patch.getSpec().change().patch().digest()))
                .filter(rollout -> isOfMode(rollout, patch.getSpec().mode()));
    }

    /**
     * Whether it failed, and somebody has changed the specification since to one that is not paused: that is the word to go
     * on, and how the pods are now is what counts from then on.
     *
     * @param patch a ViewPatch
     * @return whether it is to be tried anew
     */
    public static boolean isTriedAnew(final ViewPatch patch) {
        return of(patch)
                .filter(rollout -> rollout.phase() == RolloutPhase.FAILED)
                .filter(rollout -> !patch.getSpec().rollout().paused())
                .filter(rollout -> rollout.failure() == null
                        || !Objects.equals(
                                rollout.failure().generation(),
                                patch.getMetadata().getGeneration()))
                .isPresent();
    }

    /** What was taken back after a failure is not lifted by a look. */
    private static boolean isOfMode(final RolloutStatus rollout, final Mode mode) {
        return mode == Mode.OBSERVE
                ? rollout.wave() == OBSERVING || rollout.phase() == RolloutPhase.REVERTED
                : rollout.wave() != OBSERVING || rollout.phase() == RolloutPhase.WAITING;
    }
}

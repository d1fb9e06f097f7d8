// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Which pods may have a change at the current step of its rollout. Pods that have it keep it; the oldest of the others come
 * next. That depends on nothing but the objects, so whoever asks for one pod finds what is found for all.
 */
public final class Release {
    private static final Comparator<Pod> OLDEST_FIRST = Comparator.comparing(
                    (Pod pod) -> pod.getMetadata().getCreationTimestamp())
            .thenComparing(pod -> pod.getMetadata().getUid());

    private Release() {}

    /**
     * Whether a pod may have the change.
     *
     * @param patch an accepted ViewPatch
     * @param pod a pod that it selects
     * @param selected all pods that it selects and that can have the change
     * @param has whether a pod has the change, or is about to get it
     * @return whether it is among those that the current step allows
     */
    public static boolean includes(
            final ViewPatch patch, final Pod pod, final Supplier<List<Pod>> selected, final Predicate<Pod> has) {
        final RolloutStatus rollout = CurrentRollout.of(patch).orElse(null);
        if (rollout == null || isStopped(rollout)) {
            return has.test(pod);
        }
        if (rollout.phase() == RolloutPhase.REVERTED) {
            return false;
        }
        final Integer released = rollout.released();
        if (released == null || has.test(pod)) {
            return true;
        }
        final List<Pod> all = selected.get();
        final long free = released - all.stream().filter(has).count();
        // Asked for each of many pods that wait: nothing is sorted.
        return free > 0
                && all.stream()
                                .filter(candidate -> OLDEST_FIRST.compare(candidate, pod) < 0)
                                .filter(has.negate())
                                .limit(free)
                                .count()
                        < free;
    }

    /**
     * After pods failed no other takes the place of one that goes: it would be harmed too. A wave that only takes too long
     * still may be done, by those that come.
     */
    private static boolean isStopped(final RolloutStatus rollout) {
        return rollout.phase() == RolloutPhase.FAILED
                && rollout.failure() != null
                && rollout.failure().reason().equals(RolloutFailure.PODS_FAILED);
    }
}

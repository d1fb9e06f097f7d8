// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.ViewPatch;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Which ViewPatches go before another. */
final class Predecessors {
    private final ViewPatch patch;
    private final Function<String, Optional<ViewPatch>> known;

    /**
     * Those that a ViewPatch names.
     *
     * @param known the ViewPatch of a name in the same namespace, if there is one
     */
    Predecessors(final ViewPatch patch, final Function<String, Optional<ViewPatch>> known) {
        this.patch = patch;
        this.known = known;
    }

    /** Those that are not applied yet, by their names; of one that never will be because it waits for this one, that too. */
    List<String> missing() {
        return patch.getSpec().after().stream()
                .filter(name ->
                        known.apply(name).filter(Predecessors::isApplied).isEmpty())
                .map(name -> waitsForThis(name) ? name + " (which waits for this one, so that neither begins)" : name)
                .toList();
    }

    private boolean waitsForThis(final String name) {
        final Deque<String> waiting = new ArrayDeque<>(List.of(name));
        final Set<String> seen = new HashSet<>();
        while (!waiting.isEmpty()) {
            final String next = waiting.pop();
            if (next.equals(patch.getMetadata().getName())) {
                return true;
            }
            if (seen.add(next)) {
                known.apply(next)
                        .filter(ViewPatch::isReadable)
                        .filter(other -> !isApplied(other))
                        .ifPresent(other -> waiting.addAll(other.getSpec().after()));
            }
        }
        return false;
    }

    /** What was said of an earlier specification, before the last soak is over, or before it is taken back, is no word to go on. */
    static boolean isApplied(final ViewPatch patch) {
        return patch.getMetadata().getDeletionTimestamp() == null
                && CurrentRollout.of(patch)
                        .filter(rollout -> rollout.phase() == RolloutPhase.COMPLETE)
                        .isPresent()
                && patch.getStatus() != null
                && Conditions.find(patch.getStatus().conditions(), ConditionType.APPLIED)
                        .filter(condition -> condition.getStatus().equals("True"))
                        .filter(condition -> Objects.equals(
                                condition.getObservedGeneration(),
                                patch.getMetadata().getGeneration()))
                        .isPresent();
    }
}

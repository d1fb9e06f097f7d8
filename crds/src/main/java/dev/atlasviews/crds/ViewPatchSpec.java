// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.LabelSelector;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a ViewPatch changes, where and how.
 *
 * @param selector the pods of the same namespace; never empty
 * @param container the container whose processes are changed; every container if null
 * @param change what is changed
 * @param threads the threads that run the new code
 * @param quiescence when a thread may move
 * @param newPods what becomes of pods that are created later
 * @param mode whether anything is changed
 * @param rollout in which steps
 * @param after names of ViewPatches of the same namespace that must be applied before this one begins
 */
@ApiRecord
public record ViewPatchSpec(
        LabelSelector selector,
        @Nullable String container,
        Change change,
        ThreadSelector threads,
        Quiescence quiescence,
        NewPods newPods,
        Mode mode,
        Rollout rollout,
        List<String> after) {
    /** Gives what is not given the defaults of the schema. */
    public ViewPatchSpec {
        threads = threads == null ? ThreadSelector.ALL : threads;
        quiescence = quiescence == null ? Quiescence.DEFAULT : quiescence;
        newPods = newPods == null ? NewPods.APPLY : newPods;
        mode = mode == null ? Mode.APPLY : mode;
        rollout = rollout == null ? Rollout.DEFAULT : rollout;
        after = after == null ? List.of() : List.copyOf(after);
    }

    /** The same in another mode. */
    public ViewPatchSpec in(final Mode other) {
        return new ViewPatchSpec(selector, container, change, threads, quiescence, newPods, other, rollout, after);
    }

    /** A change of all pods at once, after no other. */
    public ViewPatchSpec(
            final LabelSelector selector,
            final @Nullable String container,
            final Change change,
            final ThreadSelector threads,
            final Quiescence quiescence,
            final NewPods newPods) {
        this(selector, container, change, threads, quiescence, newPods, Mode.APPLY, Rollout.DEFAULT, List.of());
    }
}

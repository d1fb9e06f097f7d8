// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.LabelSelector;
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
 */
@ApiRecord
public record ViewPatchSpec(
        LabelSelector selector,
        @Nullable String container,
        Change change,
        ThreadSelector threads,
        Quiescence quiescence,
        NewPods newPods) {
    /** Gives what is not given the defaults of the schema. */
    public ViewPatchSpec {
        threads = threads == null ? ThreadSelector.ALL : threads;
        quiescence = quiescence == null ? Quiescence.DEFAULT : quiescence;
        newPods = newPods == null ? NewPods.APPLY : newPods;
    }
}

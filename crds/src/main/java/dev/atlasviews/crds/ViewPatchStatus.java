// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a ViewPatch.
 *
 * @param observedGeneration the generation of the specification that this tells of
 * @param conditions Accepted, Progressing, Applied, Degraded; see {@link ConditionType}
 * @param pods pods by what became of the change in them
 * @param threads the selected threads of all processes together
 * @param rollout how far the rollout is; null before it was decided on
 */
@ApiRecord
public record ViewPatchStatus(
        @Nullable Long observedGeneration,
        List<Condition> conditions,
        @Nullable PodCounts pods,
        @Nullable ThreadCounts threads,
        @Nullable RolloutStatus rollout) {
    /** Gives what is not given the defaults of the schema. */
    public ViewPatchStatus {
        conditions = conditions == null ? List.of() : List.copyOf(conditions);
    }
}

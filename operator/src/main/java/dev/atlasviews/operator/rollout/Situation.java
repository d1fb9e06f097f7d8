// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import java.util.List;

/**
 * How the pods of a ViewPatch are, as far as its rollout goes by it.
 *
 * @param selected how many pods it selects that can have the change
 * @param released how many of them have the change, or are about to get it
 * @param settled how many of those need nothing more
 * @param applied how many of those run the change: in the others it fits nothing
 * @param failures a sentence for each pod that failed after it got the change
 * @param predecessors names of the ViewPatches that go first and are not applied yet
 */
public record Situation(
        int selected, int released, int settled, int applied, List<String> failures, List<String> predecessors) {
    /** Copies the lists. */
    public Situation {
        failures = List.copyOf(failures);
        predecessors = List.copyOf(predecessors);
    }
}

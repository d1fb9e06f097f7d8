// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.List;

/**
 * Layers that threads have and whose variables are not found. What comes may have the same ones, and would count, or lock,
 * with others than threads do.
 *
 * @param layers those whose patches are known
 * @param all whether there are no others
 */
record UnknownVariables(List<Layer> layers, boolean all) {
    UnknownVariables {
        layers = List.copyOf(layers);
    }

    /**
     * Before a layer comes.
     *
     * @throws RefusedException if it may have a variable of them
     */
    void check(final Layer coming) throws RefusedException {
        final boolean may = all
                ? layers.stream().anyMatch(layer -> KeptVariables.mayShare(coming.patch(), layer.patch()))
                : coming.patch().targets().stream()
                        .anyMatch(target -> !target.variables().isEmpty());
        if (may) {
            throw KeptVariables.refused(coming.digest(), "where threads have them is not known");
        }
    }
}

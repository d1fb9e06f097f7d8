// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.List;

/**
 * The layers of a process' views.
 *
 * @param known lowest first, those whose patches the store has
 * @param lost digests of the others: the store does not have their patches, or can not read them
 */
public record ViewLayers(List<Layer> known, List<String> lost) {
    /** Keeps copies. */
    public ViewLayers {
        known = List.copyOf(known);
        lost = List.copyOf(lost);
    }
}

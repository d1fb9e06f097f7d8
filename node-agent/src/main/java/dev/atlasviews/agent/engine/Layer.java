// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.Patch;
import java.util.List;

/**
 * One change to the code of a process.
 *
 * @param patch the change
 * @param threads which threads should have it
 * @param excluded functions that may be active on the stack of a thread that moves
 */
public record Layer(Patch patch, ThreadFilter threads, List<String> excluded) {

    /** Copies the list. */
    public Layer {
        excluded = List.copyOf(excluded);
    }

    /** A patch for all threads, without exclusions. */
    public static Layer of(final Patch patch) {
        return new Layer(patch, ThreadFilter.ALL, List.of());
    }

    /** The patch's identity. */
    public String digest() {
        return patch.digest();
    }
}

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
 * @param scope what has to move together where threads get or lose this layer
 */
public record Layer(Patch patch, ThreadFilter threads, List<String> excluded, Desired.Scope scope) {

    /** Copies the list. */
    public Layer {
        excluded = List.copyOf(excluded);
    }

    /** A layer that each thread may get by itself. */
    public Layer(final Patch patch, final ThreadFilter threads, final List<String> excluded) {
        this(patch, threads, excluded, Desired.Scope.THREAD);
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

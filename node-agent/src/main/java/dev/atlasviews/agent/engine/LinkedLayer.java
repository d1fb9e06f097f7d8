// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.LinkedPatch;
import java.util.List;
import java.util.stream.Stream;

/**
 * A layer whose areas are in the process.
 *
 * @param digest the patch's identity
 * @param parts one for each program of the process that the patch changes
 * @param copies further copies of these parts, where threads may be as well
 * @param excluded functions that may be active when a thread moves
 */
record LinkedLayer(String digest, List<LinkedPatch> parts, List<LinkedPatch> copies, List<String> excluded) {

    LinkedLayer {
        parts = List.copyOf(parts);
        copies = List.copyOf(copies);
        excluded = List.copyOf(excluded);
    }

    LinkedLayer(final String digest, final List<LinkedPatch> parts, final List<String> excluded) {
        this(digest, parts, List.of(), excluded);
    }

    List<LinkedPatch.Jump> jumps() {
        return parts.stream().flatMap(part -> part.jumps().stream()).toList();
    }

    List<LinkedPatch.Body> bodies() {
        return parts.stream().flatMap(part -> part.bodies().stream()).toList();
    }

    /** Those, and the bodies of further copies. */
    List<LinkedPatch.Body> bodiesOfAllCopies() {
        return Stream.concat(parts.stream(), copies.stream())
                .flatMap(part -> part.bodies().stream())
                .toList();
    }

    /** The jumps that overwrite functions in which a thread may be when it moves. */
    List<LinkedPatch.Jump> overwrittenUnderThreads() {
        return jumps().stream()
                .filter(jump -> excluded.contains(jump.function()))
                .toList();
    }

    /** Whether a thread that moves may be in this function. */
    boolean mayBeActive(final LinkedPatch.Body body) {
        return excluded.contains(body.function());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.util.List;

/**
 * The functions that are active on a stack.
 *
 * @param complete whether these are all of them, each found by its unwind table
 * @param addresses innermost first: an address inside the instruction that each frame executes, which for all but the
 *     innermost (and those interrupted by a signal) is the call it waits for
 * @param reason why the frames are not complete; empty if they are
 */
public record Frames(boolean complete, List<Long> addresses, String reason) {

    /** Copies the list. */
    public Frames {
        addresses = List.copyOf(addresses);
    }

    static Frames unknown(final String reason) {
        return new Frames(false, List.of(), reason);
    }
}

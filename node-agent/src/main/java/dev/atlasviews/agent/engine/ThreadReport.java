// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A thread of a process.
 *
 * @param tid its id
 * @param name its name
 * @param view the view it is in
 * @param stack digests of the layers it has; null when its view is none of ours
 * @param outdated whether its view is older than a library of the process in which it needs a jump, so that it may lack any
 *     of those layers; an inspection does not ask
 * @param withheld digests of the layers that are meant for it and that it does not get, for it does not get what they are based
 *     on
 * @param inPlace whether it is where it should be
 * @param heldBy the function that held it when it was last looked at, or why its stack can not be read; null if nothing is known
 *     to hold it
 * @param heldSince since when; null if it is not held
 * @param movedAfterMillis how long after the start it was found where it should be; null if it was there before
 */
public record ThreadReport(
        int tid,
        String name,
        int view,
        @Nullable LayerStack stack,
        boolean outdated,
        List<String> withheld,
        boolean inPlace,
        @Nullable String heldBy,
        @Nullable Instant heldSince,
        @Nullable Long movedAfterMillis) {

    /** Copies the list. */
    public ThreadReport {
        withheld = List.copyOf(withheld);
    }

    /** The same thread, held since now. */
    ThreadReport held(final String by) {
        return new ThreadReport(
                tid, name, view, stack, outdated, withheld, inPlace, by, Instant.now(), movedAfterMillis);
    }
}

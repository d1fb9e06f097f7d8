// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.time.Duration;

/** How long a worker waits before threads that are held are tried again: ever longer while nothing changes. */
final class Pace {
    private static final Duration SHORTEST = Duration.ofMillis(200);
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private final Writes writes = new Writes();
    private Duration pause = SHORTEST;

    /** How often the status is written. */
    Writes writes() {
        return writes;
    }

    /**
     * The next pause.
     *
     * @param changed whether the last try changed anything
     */
    Duration next(final boolean changed) {
        final Duration next = changed ? SHORTEST : pause;
        final Duration twice = next.multipliedBy(2);
        pause = twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
        return next;
    }
}

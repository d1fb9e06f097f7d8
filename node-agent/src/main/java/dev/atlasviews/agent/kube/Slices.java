// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Shares the time of a pass among the processes of a pod: however many of them have threads that are held, their pod's status
 * is told soon. What one does not need the others get.
 */
final class Slices {
    private static final Duration PASS = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofSeconds(2);
    /** Enough to try each thread of most processes; where it is not, the next pass begins with the others. */
    private static final Duration SHORTEST = Duration.ofMillis(50);

    private final LongSupplier nanos;
    private final long end;
    private int left;

    /** For a pass that begins now, over this many processes. */
    Slices(final int processes) {
        this(processes, System::nanoTime);
    }

    Slices(final int processes, final LongSupplier nanos) {
        this.nanos = nanos;
        this.end = nanos.getAsLong() + PASS.toNanos();
        this.left = processes;
    }

    /** How long the next process may keep the pass. */
    Duration next() {
        final Duration share = Duration.ofNanos((end - nanos.getAsLong()) / Math.max(left, 1));
        left--;
        if (share.compareTo(SHORTEST) < 0) {
            return SHORTEST;
        }
        return share.compareTo(LONGEST) < 0 ? share : LONGEST;
    }
}

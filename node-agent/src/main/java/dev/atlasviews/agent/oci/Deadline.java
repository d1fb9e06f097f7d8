// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import java.time.Duration;

/** When something has to have come to its end. */
final class Deadline {
    private final Duration limit;
    private final long end;

    private Deadline(final Duration limit) {
        this.limit = limit;
        this.end = System.nanoTime() + limit.toNanos();
    }

    static Deadline in(final Duration limit) {
        return new Deadline(limit);
    }

    /** How long it is until then, in nanoseconds; zero afterwards. */
    long remaining() {
        return Math.max(0, end - System.nanoTime());
    }

    @Override
    public String toString() {
        return limit.toSeconds() + " seconds";
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.TargetProcess;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * At whose stacks helpers died, or did not answer. All processes wait for that, and for another helper, so who does it again
 * has no part in helpers for a while. Once it may have been somebody else's doing.
 */
final class HelperDeaths {
    static final Duration WHILE = Duration.ofMinutes(10);
    private static final int TOO_MANY = 2;

    private final LongSupplier nanoTime;
    private final Map<TargetProcess, Deaths> deaths = new HashMap<>();

    private record Deaths(int count, long last) {}

    HelperDeaths(final LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    synchronized void add(final TargetProcess process) {
        forgetOld();
        deaths.merge(
                process,
                new Deaths(1, nanoTime.getAsLong()),
                (before, now) -> new Deaths(before.count() + now.count(), now.last()));
    }

    /** Whether the process is not to be given to a helper now. */
    synchronized boolean tooMany(final TargetProcess process) {
        forgetOld();
        final Deaths its = deaths.get(process);
        return its != null && its.count() >= TOO_MANY;
    }

    private void forgetOld() {
        final long now = nanoTime.getAsLong();
        deaths.values().removeIf(its -> now - its.last() > WHILE.toNanos());
    }
}

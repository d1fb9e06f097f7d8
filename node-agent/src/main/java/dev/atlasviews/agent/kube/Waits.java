// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * How long something has been so, however the node's clock is set meanwhile: a deadline is neither over early nor never for
 * that. Only of what began before the agent did the clock itself has to be believed.
 */
final class Waits {
    /** More than a node has processes that wait; what is forgotten counts by the clock. */
    private static final int MOST = 4096;

    private final InstantSource clock;
    private final LongSupplier nanos;
    /** When each began, in nanoseconds on the clock that nobody sets, by what the other showed then. */
    private final Map<Instant, Long> begun = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(final Map.Entry<Instant, Long> eldest) {
            return size() > MOST;
        }
    };

    Waits() {
        this(InstantSource.system(), System::nanoTime);
    }

    Waits(final InstantSource clock, final LongSupplier nanos) {
        this.clock = clock;
        this.nanos = nanos;
    }

    /** What the node's clock shows, by which something that begins now can be asked for. */
    synchronized Instant now() {
        final Instant now = clock.instant();
        begun.put(now, nanos.getAsLong());
        return now;
    }

    /**
     * How long it has been so.
     *
     * @param since what the node's clock showed when it began
     */
    synchronized Duration since(final Instant since) {
        final long now = nanos.getAsLong();
        return Duration.ofNanos(now - begun.computeIfAbsent(since, begin -> now - nanosSince(begin)));
    }

    /** What is to come, by a clock that has been set back, began just now. */
    private long nanosSince(final Instant begin) {
        final Duration passed = Duration.between(begin, clock.instant());
        return passed.isNegative() ? 0 : passed.toNanos();
    }
}

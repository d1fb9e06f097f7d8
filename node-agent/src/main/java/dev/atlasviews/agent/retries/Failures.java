// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.retries;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What failed, and rests before it is tried again: ever longer, as long as it fails. Of more failures than anybody has the
 * one that happened first is forgotten.
 *
 * @param <K> what was tried
 * @param <E> why it failed
 */
public final class Failures<K, E extends Exception> {
    private static final int MOST = 2048;

    /** Of a clock that nobody sets. */
    private final LongSupplier nanos;

    private final Map<K, Failure<E>> failures = new LinkedHashMap<>();

    private record Failure<E>(E why, Duration pause, long until) {}

    /**
     * Without any failures.
     *
     * @param nanos a clock that nobody sets
     */
    public Failures(final LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** Why it failed the last time; empty if it has come right since. */
    public synchronized Optional<E> last(final K key) {
        return Optional.ofNullable(failures.get(key)).map(Failure::why);
    }

    /** The same while it rests; empty as soon as it may be tried again. */
    public synchronized Optional<E> resting(final K key) {
        return Optional.ofNullable(failures.get(key))
                .filter(failure -> nanos.getAsLong() - failure.until() < 0)
                .map(Failure::why);
    }

    /**
     * It has failed, and rests from now.
     *
     * @param first how long at least; twice as long as after the failure before
     * @param longest how long at most
     */
    public synchronized void failed(final K key, final E why, final Duration first, final Duration longest) {
        final Duration pause = pause(failures.remove(key), first, longest);
        failures.put(key, new Failure<>(why, pause, nanos.getAsLong() + pause.toNanos()));
        if (failures.size() > MOST) {
            failures.remove(failures.keySet().iterator().next());
        }
    }

    /** It has come right. */
    public synchronized void succeeded(final K key) {
        failures.remove(key);
    }

    private static <E> Duration pause(final @Nullable Failure<E> before, final Duration first, final Duration longest) {
        final Duration twice = before == null ? first : before.pause().multipliedBy(2);
        final Duration next = twice.compareTo(first) > 0 ? twice : first;
        return next.compareTo(longest) < 0 ? next : longest;
    }
}

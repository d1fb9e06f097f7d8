// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tries to move one thread: when the next is due, and what held it at the last. */
final class Attempt {
    private static final long FIRST_PAUSE = Duration.ofMillis(1).toNanos();
    private static final long LONGEST_PAUSE = Duration.ofMillis(128).toNanos();

    private final ThreadEntry thread;
    private long pause = FIRST_PAUSE;
    private long next = System.nanoTime();
    private Transition transition = new Transition(Map.of());
    private @Nullable String heldBy;
    private @Nullable Instant heldSince;

    Attempt(final ThreadEntry thread) {
        this.thread = thread;
    }

    long startTime() {
        return thread.startTime();
    }

    boolean due() {
        return System.nanoTime() - next >= 0;
    }

    /** When the next try is due, on the clock of {@link System#nanoTime}. */
    long next() {
        return next;
    }

    void later() {
        next = System.nanoTime() + pause;
        pause = Math.min(2 * pause, LONGEST_PAUSE);
    }

    void soon() {
        next = System.nanoTime() + FIRST_PAUSE;
    }

    void aim(final Transition to) {
        transition = to;
    }

    void held(final long address, final Progress progress) {
        held(transition.function(address).orElse("0x" + Long.toHexString(address)), progress);
    }

    void held(final String by, final Progress progress) {
        if (heldSince == null) {
            heldSince = Instant.now();
            progress.held(thread.tid(), thread.name(), by);
        }
        heldBy = by;
    }

    @Nullable
    String heldBy() {
        return heldBy;
    }

    @Nullable
    Instant heldSince() {
        return heldSince;
    }
}

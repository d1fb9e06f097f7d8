// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.time.Duration;
import java.util.Map;

/** The tries to move one thread: when the next is due, and what the thread must not be in. */
final class Attempt {
    private static final long FIRST_PAUSE = Duration.ofMillis(1).toNanos();
    /** Of a thread that rests: what holds it is as it was until it runs. */
    private static final long LONGEST_PAUSE = Duration.ofMillis(128).toNanos();
    /** Of one that runs: it may come by a place where it can move at any instant, and is there for a short while only. */
    private static final long LONGEST_PAUSE_RUNNING = Duration.ofMillis(8).toNanos();
    /** All threads that run are looked at no more often than this together, however many they are. */
    private static final long LEAST_PER_RUNNING_THREAD = Duration.ofMillis(1).toNanos();

    private final ThreadEntry thread;
    private long pause = FIRST_PAUSE;
    private long next = System.nanoTime();
    private long sequence;
    private boolean looked;
    private boolean rests;
    private Transition transition = new Transition(Map.of());

    Attempt(final ThreadEntry thread) {
        this.thread = thread;
    }

    ThreadEntry thread() {
        return thread;
    }

    boolean due() {
        return System.nanoTime() - next >= 0;
    }

    /** When the next try is due, on the clock of {@link System#nanoTime}. */
    long next() {
        return next;
    }

    /** It was off the CPU. It rests if it has not run since it was last seen so: a preempted thread has. */
    void seen(final long runSequence) {
        rests = looked && sequence == runSequence;
        looked = true;
        sequence = runSequence;
    }

    /** It was on a CPU. */
    void seenRunning() {
        rests = false;
    }

    /**
     * After a look.
     *
     * @param threads how many are looked at
     */
    void later(final int threads) {
        final long longest = rests
                ? LONGEST_PAUSE
                : Math.clamp(threads * LEAST_PER_RUNNING_THREAD, LONGEST_PAUSE_RUNNING, LONGEST_PAUSE);
        pause = Math.min(pause, longest);
        next = System.nanoTime() + pause;
        pause = Math.min(2 * pause, longest);
    }

    void soon() {
        next = System.nanoTime() + FIRST_PAUSE;
    }

    void aim(final Transition to) {
        transition = to;
    }

    /** The function at an address that the thread must not be in. */
    String function(final long address) {
        return transition.function(address).orElse("0x" + Long.toHexString(address));
    }
}

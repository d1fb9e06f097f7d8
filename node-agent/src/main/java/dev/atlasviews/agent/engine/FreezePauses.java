// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * When a process may be stopped again after that was in vain: ever later. Looking costs a process nothing, but an attempt
 * stops it, so this outlives one reconciliation, and so does what threads were asked for that could not go back at once, and
 * whose turn it is and what is known of the others where there was no time for all of them.
 */
final class FreezePauses {
    private static final Duration FIRST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private Duration pause = FIRST;
    private long next = System.nanoTime();
    private Optional<ProcessMover.Obstacle> obstacle = Optional.empty();
    private final Map<Integer, Integer> askedBack = new HashMap<>();
    private final Turn turn = new Turn();
    private final HeldThreads held = new HeldThreads();

    /** Which thread is tried first where each moves on its own. */
    Turn turn() {
        return turn;
    }

    /** The threads that could not move where each moves on its own. */
    HeldThreads held() {
        return held;
    }

    boolean due() {
        return System.nanoTime() - next >= 0;
    }

    void inVain() {
        next = System.nanoTime() + pause.toNanos();
        final Duration twice = pause.multipliedBy(2);
        pause = twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
    }

    /** A thread was asked to go back to a view as soon as it can. */
    void askedBack(final int tid, final int view) {
        askedBack.put(tid, view);
    }

    /** Where a thread goes from its view if the next attempt is in vain: also where it is on its way to already. */
    int wayBack(final ThreadEntry thread) {
        final Integer asked = askedBack.remove(thread.tid());
        return thread.pending() && asked != null ? asked : thread.view();
    }

    void heldBy(final ProcessMover.Obstacle thread) {
        obstacle = Optional.of(thread);
    }

    /** What kept the threads at the last attempt. */
    Optional<ProcessMover.Obstacle> obstacle() {
        return obstacle;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.time.Duration;
import java.util.Optional;

/**
 * When a process may be stopped again after that was in vain: ever later. Looking costs a process nothing, but an attempt
 * stops it, so this outlives one reconciliation.
 */
final class FreezePauses {
    private static final Duration FIRST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(5);

    private Duration pause = FIRST;
    private long next = System.nanoTime();
    private Optional<ProcessMover.Obstacle> obstacle = Optional.empty();

    boolean due() {
        return System.nanoTime() - next >= 0;
    }

    void inVain() {
        next = System.nanoTime() + pause.toNanos();
        final Duration twice = pause.multipliedBy(2);
        pause = twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
    }

    void heldBy(final ProcessMover.Obstacle thread) {
        obstacle = Optional.of(thread);
    }

    /** What kept the threads at the last attempt. */
    Optional<ProcessMover.Obstacle> obstacle() {
        return obstacle;
    }
}

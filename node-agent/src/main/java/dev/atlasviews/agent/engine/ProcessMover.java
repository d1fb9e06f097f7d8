// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.quiescence.Quiescence;
import dev.atlasviews.agent.quiescence.QuiescenceCheck;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.Snapshot;
import dev.atlasviews.agent.views.ThreadEntry;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Moves all threads of a process at one instant, or none: holds them, looks at every stack, moves, lets them go. For
 * changes that need it, and as what moving each thread on its own is measured against.
 */
final class ProcessMover {
    /** The most that the module grants, for arriving at the gate and for being held there. */
    private static final Duration MOST_HELD = Duration.ofSeconds(10);

    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final int ATTEMPTS_PER_THREAD = 8;

    private final ProcessViews views;
    private final QuiescenceCheck check;
    private final ViewSet viewSet;
    private final ThreadMover.Plan plan;
    private Optional<Obstacle> obstacle = Optional.empty();

    /** The thread that kept all others from moving. */
    record Obstacle(ThreadEntry thread, String heldBy) {}

    private record Move(ThreadEntry thread, int from) {}

    private record Look(boolean reached, long sequence) {}

    ProcessMover(
            final ProcessViews views, final QuiescenceCheck check, final ViewSet viewSet, final ThreadMover.Plan plan) {
        this.views = views;
        this.check = check;
        this.viewSet = viewSet;
        this.plan = plan;
    }

    /** Returns whether all threads moved; false when there was no instant at which they could. */
    boolean move(final Duration most) throws IOException {
        final long deadline = System.nanoTime() + most.toNanos();
        while (!promising() || !attempt()) {
            final Duration left = Duration.ofNanos(deadline - System.nanoTime());
            if (left.isNegative()) {
                return false;
            }
            views.events(left.compareTo(PAUSE) < 0 ? left : PAUSE);
        }
        return true;
    }

    /** What kept the threads at the last attempt. */
    Optional<Obstacle> obstacle() {
        return obstacle;
    }

    /**
     * Looks at the threads that sleep before any is held: where one of them is in the way the attempt would be in vain, and
     * whatever takes long the first time has been done.
     */
    private boolean promising() throws IOException {
        for (final ThreadEntry thread : views.listThreads()) {
            final int to = plan.viewFor(thread);
            try {
                if (thread.view() != to
                        && !thread.onCpu()
                        && !quiescent(thread, to).reached()) {
                    return false;
                }
            } catch (final ViewException e) {
                if (!e.gone() && e.errno() != Errno.EBUSY && e.errno() != Errno.EAGAIN) {
                    throw e;
                }
            }
        }
        return true;
    }

    private boolean attempt() throws IOException {
        try {
            views.freeze(MOST_HELD);
        } catch (final ViewException e) {
            if (e.errno() == Errno.ETIMEDOUT) {
                return false;
            }
            throw e;
        }
        final List<Move> moved = new ArrayList<>();
        try {
            for (final ThreadEntry thread : views.listThreads()) {
                final int to = plan.viewFor(thread);
                if (thread.view() != to) {
                    if (!move(thread, to)) {
                        undo(moved);
                        return false;
                    }
                    moved.add(new Move(thread, thread.view()));
                }
            }
            return true;
        } finally {
            views.thaw();
        }
    }

    /** A held thread can still be on its way from sleep to the gate: then it has run, and is looked at again. */
    private boolean move(final ThreadEntry thread, final int to) throws IOException {
        for (int i = 0; i < ATTEMPTS_PER_THREAD; i++) {
            try {
                final Look look = quiescent(thread, to);
                if (look.reached()) {
                    views.migrateIfSequence(thread.tid(), to, look.sequence());
                }
                return look.reached();
            } catch (final ViewException e) {
                if (e.gone()) {
                    return true;
                }
                if (e.errno() != Errno.EBUSY && e.errno() != Errno.EAGAIN) {
                    throw e;
                }
            }
        }
        obstacle = Optional.of(new Obstacle(thread, "a place that it does not rest in"));
        return false;
    }

    private Look quiescent(final ThreadEntry thread, final int to) throws IOException {
        final Transition transition = viewSet.transition(thread.view(), to);
        final Snapshot snapshot = views.snapshot(thread.tid(), ThreadMover.STACK_CAPACITY);
        final Quiescence quiescence = check.check(snapshot, transition.ranges());
        if (quiescence instanceof Quiescence.Held held) {
            obstacle = Optional.of(
                    new Obstacle(thread, transition.function(held.address()).orElse(held.reason())));
        }
        return new Look(quiescence instanceof Quiescence.Reached, snapshot.sequence());
    }

    /** Nothing has run in user mode since, so every thread is where it was. */
    private void undo(final List<Move> moved) throws IOException {
        for (final Move move : moved) {
            try {
                final Snapshot snapshot = views.snapshot(move.thread().tid(), Long.BYTES);
                views.migrateIfSequence(move.thread().tid(), move.from(), snapshot.sequence());
            } catch (final ViewException e) {
                if (!e.gone()) {
                    // It is on its way to the gate, behind which it does this before it reaches user mode.
                    views.migrateIfOutside(move.thread().tid(), move.from(), List.of(), 0);
                }
            }
        }
    }
}

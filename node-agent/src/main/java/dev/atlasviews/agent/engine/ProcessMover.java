// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.quiescence.Quiescence;
import dev.atlasviews.agent.quiescence.StackCheck;
import dev.atlasviews.agent.views.AddressRange;
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
    /** The gate opens by itself after this, whatever becomes of us. */
    private static final Duration MOST_HELD = Duration.ofSeconds(1);
    /** An attempt that takes longer is given up, while there is time to undo it. */
    private static final long MOST_TRIED = Duration.ofMillis(500).toNanos();
    /** Until then the gate is surely closed. */
    private static final long SURELY_HELD = Duration.ofMillis(750).toNanos();

    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final int ATTEMPTS_PER_THREAD = 8;

    private final ProcessViews views;
    private final StackCheck check;
    private final ViewSet viewSet;
    private final ThreadMover.Plan<RefusedException> plan;
    private final Births births;
    private final FreezePauses pauses;

    /** Where threads are born. */
    interface Births {
        /** In the view that all threads are in now. */
        void asPlanned() throws IOException, RefusedException;

        /** Where they were born before. */
        void asBefore() throws IOException;
    }

    /** The thread that kept all others from moving. */
    record Obstacle(ThreadEntry thread, String heldBy) {}

    /** {@code wasThere}: whether {@code from} is the view it was held in, and not only the one it was on its way to. */
    private record Move(int tid, int from, int to, boolean wasThere) {}

    private record Look(boolean reached, long sequence) {}

    ProcessMover(
            final ProcessViews views,
            final StackCheck check,
            final ViewSet viewSet,
            final ThreadMover.Plan<RefusedException> plan,
            final Births births,
            final FreezePauses pauses) {
        this.views = views;
        this.check = check;
        this.viewSet = viewSet;
        this.plan = plan;
        this.births = births;
        this.pauses = pauses;
    }

    /**
     * Returns whether all threads moved; false when there was no instant at which they could.
     *
     * @throws RefusedException if there can be no view for one of them; none has moved then
     */
    boolean move(final Duration most) throws IOException, RefusedException {
        final long deadline = System.nanoTime() + most.toNanos();
        while (true) {
            if (promising() && pauses.due()) {
                if (attempt()) {
                    return true;
                }
                pauses.inVain();
            }
            final Duration left = Duration.ofNanos(deadline - System.nanoTime());
            if (left.isNegative()) {
                return false;
            }
            rest(left.compareTo(PAUSE) < 0 ? left : PAUSE);
        }
    }

    /** What kept the threads at the last attempt. */
    Optional<Obstacle> obstacle() {
        return pauses.obstacle();
    }

    /** The events that end a wait early are those of the attempt itself, which moved threads to and fro. */
    private void rest(final Duration time) throws IOException {
        final long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            // Rounded up, so that a wait is never of no length.
            views.events(Duration.ofMillis(left / 1_000_000 + 1));
        }
    }

    /**
     * Looks at the threads that sleep before any is held: where one of them is in the way the attempt would be in vain, and
     * whatever takes long the first time has been done.
     */
    private boolean promising() throws IOException, RefusedException {
        for (final ThreadEntry thread : views.listThreads()) {
            final int to = plan.viewFor(thread);
            try {
                if (!stays(thread, to)
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

    private boolean attempt() throws IOException, RefusedException {
        final long start = System.nanoTime();
        try {
            views.freeze(MOST_HELD);
        } catch (final ViewException e) {
            if (e.errno() == Errno.ETIMEDOUT) {
                return false;
            }
            throw e;
        }
        final List<Move> moved = new ArrayList<>();
        boolean done = false;
        try {
            if (moveAll(moved, start)) {
                births.asPlanned();
                // A thread may have been born meanwhile, where births were before.
                done = moveAll(moved, start) && System.nanoTime() - start < SURELY_HELD;
            }
        } finally {
            try {
                if (!done) {
                    undo(moved, start);
                }
            } finally {
                views.thaw();
            }
        }
        return done;
    }

    private boolean moveAll(final List<Move> moved, final long start) throws IOException, RefusedException {
        for (final ThreadEntry thread : views.listThreads()) {
            final int to = plan.viewFor(thread);
            if (!stays(thread, to)) {
                if (System.nanoTime() - start > MOST_TRIED) {
                    pauses.heldBy(new Obstacle(thread, "a process that takes too long to look at as a whole"));
                    return false;
                }
                if (!move(thread, to, start)) {
                    return false;
                }
                final int from = pauses.wayBack(thread);
                moved.add(new Move(thread.tid(), from, to, thread.view() == from));
            }
        }
        return true;
    }

    /**
     * Whether a thread is, and stays, where it should be: it does not where it is still asked to go back, which it would do
     * when it wakes. Moving it to where it is takes that request off it.
     */
    private static boolean stays(final ThreadEntry thread, final int to) {
        return thread.view() == to && !thread.pending();
    }

    /** A held thread can still be on its way from sleep to the gate: then it has run, and is looked at again. */
    private boolean move(final ThreadEntry thread, final int to, final long start) throws IOException {
        for (int i = 0; i < ATTEMPTS_PER_THREAD && System.nanoTime() - start <= MOST_TRIED; i++) {
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
        pauses.heldBy(new Obstacle(thread, "a place that it does not rest in"));
        return false;
    }

    private Look quiescent(final ThreadEntry thread, final int to) throws IOException {
        final Snapshot snapshot = views.snapshot(thread.tid(), ThreadMover.STACK_CAPACITY);
        // It may have gone back, as it was asked to, since it was listed.
        final Transition transition = viewSet.transition(snapshot.view(), to);
        final Quiescence quiescence = check.check(snapshot, transition.ranges());
        if (quiescence instanceof Quiescence.Held held) {
            pauses.heldBy(
                    new Obstacle(thread, transition.function(held.address()).orElse(held.reason())));
        }
        return new Look(quiescence instanceof Quiescence.Reached, snapshot.sequence());
    }

    /** What fails for one of the threads, or for births, keeps no other from going back. */
    private void undo(final List<Move> moved, final long start) throws IOException {
        Optional<IOException> failure = tried(births::asBefore);
        for (final Move move : moved) {
            final Optional<IOException> failed = tried(() -> goBack(move, start));
            failure = failure.isPresent() ? failure : failed;
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    /** A part of the way back. */
    private interface Step {
        void go() throws IOException;
    }

    private static Optional<IOException> tried(final Step step) {
        try {
            step.go();
            return Optional.empty();
        } catch (final IOException e) {
            return Optional.of(e);
        }
    }

    private void goBack(final Move move, final long start) throws IOException {
        final boolean isBack = move.wasThere() && isBack(move, start);
        if (!isBack && viewSet.mayBeEntered(move.from())) {
            // On its way to the gate, or behind it, or not there before: it goes back only from where it may.
            ask(move, viewSet.transition(move.to(), move.from()).ranges(ProcessViews.MAX_RANGES));
        }
    }

    /**
     * While the gate is closed nothing has run in user mode since, so every thread is where it was, and may be in the view it
     * was in. The clock is looked at after the snapshot: what runs from then on changes the sequence.
     */
    private boolean isBack(final Move move, final long start) {
        try {
            final Snapshot snapshot = views.snapshot(move.tid(), Long.BYTES);
            if (System.nanoTime() - start >= SURELY_HELD) {
                return false;
            }
            views.migrateIfSequence(move.tid(), move.from(), snapshot.sequence());
            return true;
        } catch (final ViewException e) {
            return false;
        }
    }

    private void ask(final Move move, final List<AddressRange> ranges) throws ViewException {
        try {
            pauses.askedBack(move.tid(), move.from());
            views.migrateIfOutside(move.tid(), move.from(), ranges, 0);
        } catch (final ViewException e) {
            if (!e.gone()) {
                throw e;
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.quiescence.Quiescence;
import dev.atlasviews.agent.quiescence.StackCheck;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.Snapshot;
import dev.atlasviews.agent.views.ThreadEntry;
import dev.atlasviews.agent.views.ViewEvent;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Moves each thread to its view at its own quiescence point. A thread that is off the CPU is judged by a snapshot and
 * moved where it sleeps, unless it runs meanwhile, time after time; a running one is asked to check itself on its next
 * way to user mode. No thread waits for anything. Threads that could not move are tried again: one that rests ever less
 * often, one that runs more often, as it may be where it can move for a short while only ({@link Attempt} says how often).
 * Where there is no time to try all of them, the next time begins with those that were not tried.
 */
final class ThreadMover {
    /** Enough for the usual thread; a deeper stack is seen only in part, and its thread held until it is shallower. */
    static final int STACK_CAPACITY = 1 << 20;

    /** How often a thread is looked at in a row that runs now and then, before it is asked. */
    private static final int LOOKS = 4;

    private static final Duration LONGEST_WAIT = Duration.ofMillis(100);
    /** How long threads are tried also where the time is over, so that every call gets on. */
    private static final Duration SHORTEST_PASS = Duration.ofMillis(50);

    private final ProcessViews views;
    private final StackCheck check;
    private final ViewSet viewSet;
    private final Turn turn;
    private final HeldThreads held;
    private final Progress progress;
    private final long start = System.nanoTime();
    private final Map<Integer, Attempt> attempts = new HashMap<>();
    private final Map<Integer, Duration> movedAfter = new HashMap<>();
    /** Of the threads that were not where they should be when they were last listed. */
    private final Map<Integer, HeldThreads.Way> ways = new HashMap<>();

    /**
     * Where a thread should be.
     *
     * @param <E> why there can be no such place
     */
    interface Plan<E extends Exception> {
        /** The view. */
        int viewFor(ThreadEntry thread) throws IOException, E;
    }

    ThreadMover(
            final ProcessViews views,
            final StackCheck check,
            final ViewSet viewSet,
            final FreezePauses pauses,
            final Progress progress) {
        this.views = views;
        this.check = check;
        this.viewSet = viewSet;
        this.turn = pauses.turn();
        this.held = pauses.held();
        this.progress = progress;
    }

    /** Returns whether all threads are where they should be; false when the time was over before. */
    <E extends Exception> boolean move(final Plan<E> plan, final Duration most) throws IOException, E {
        final long deadline = System.nanoTime() + most.toNanos();
        while (true) {
            final long begin = System.nanoTime();
            final List<ThreadEntry> left = left(plan);
            if (left.isEmpty()) {
                return true;
            }
            final long next = attempt(left, Math.max(deadline, begin + SHORTEST_PASS.toNanos()));
            final long now = System.nanoTime();
            if (now - deadline >= 0) {
                return false;
            }
            // Rounded up, so that a wait is never of no length.
            final long wait = Math.max(0, Math.min(next, deadline) - now) / 1_000_000 + 1;
            views.events(Duration.ofMillis(wait)).forEach(this::note);
        }
    }

    /** The threads that are not where they should be. */
    private <E extends Exception> List<ThreadEntry> left(final Plan<E> plan) throws IOException, E {
        final List<ThreadEntry> left = new ArrayList<>();
        ways.clear();
        for (final ThreadEntry thread : views.listThreads()) {
            final int to = plan.viewFor(thread);
            if (thread.view() == to) {
                arrived(thread);
            } else {
                left.add(thread);
                ways.put(thread.tid(), new HeldThreads.Way(thread.startTime(), thread.view(), to));
            }
        }
        held.keep(ways);
        return left;
    }

    /** Tries those of the threads that are due, one at least, until the time is over. Returns when the next one is due. */
    private long attempt(final List<ThreadEntry> threads, final long end) throws IOException {
        long next = System.nanoTime() + LONGEST_WAIT.toNanos();
        boolean tried = false;
        for (final ThreadEntry thread : turn.sorted(threads)) {
            final Attempt attempt = attempt(thread);
            if (attempt.due()) {
                if (tried && System.nanoTime() - end >= 0) {
                    turn.of(thread);
                    return next;
                }
                attempt(thread, Objects.requireNonNull(ways.get(thread.tid())).to(), attempt);
                attempt.later(attempts.size());
                tried = true;
            }
            next = Math.min(next, attempt.next());
        }
        return next;
    }

    /** Why a thread could not move when it was last looked at, be it at an earlier reconciliation. */
    Optional<HeldThreads.Held> held(final int tid) {
        return Optional.ofNullable(ways.get(tid)).flatMap(way -> held.of(tid, way));
    }

    /** After what time a thread was found in place; empty if it was there from the first. */
    Optional<Duration> movedAfter(final int tid) {
        return Optional.ofNullable(movedAfter.get(tid));
    }

    private Attempt attempt(final ThreadEntry thread) {
        final Attempt attempt = attempts.get(thread.tid());
        if (attempt != null && attempt.thread().startTime() == thread.startTime()) {
            return attempt;
        }
        final Attempt first = new Attempt(thread);
        attempts.put(thread.tid(), first);
        return first;
    }

    private void arrived(final ThreadEntry thread) {
        if (attempts.remove(thread.tid()) != null) {
            final Duration after = Duration.ofNanos(System.nanoTime() - start);
            movedAfter.put(thread.tid(), after);
            progress.moved(thread.tid(), thread.name(), after);
        }
    }

    private void attempt(final ThreadEntry thread, final int view, final Attempt attempt) throws IOException {
        final Transition transition = viewSet.transition(thread.view(), view);
        attempt.aim(transition);
        try {
            if (!moveWhereItSleeps(thread, view, attempt, transition)) {
                attempt.seenRunning();
                if (!thread.pending()) {
                    views.migrateIfOutside(
                            thread.tid(), view, transition.ranges(ProcessViews.MAX_RANGES), thread.tid());
                }
            }
        } catch (final ViewException e) {
            if (e.errno() != Errno.EBUSY && e.errno() != Errno.ESRCH) {
                throw e;
            }
            // Busy: asked already. Gone: the next list is without it, or the process is gone, which listing tells.
        }
    }

    /**
     * Returns whether that was possible, or it is known that it is not. A thread that has run since its snapshot and rests
     * again is looked at again: to be asked would take its own time, most likely that of a request it works for.
     */
    private boolean moveWhereItSleeps(
            final ThreadEntry thread, final int view, final Attempt attempt, final Transition transition)
            throws IOException {
        for (int look = 0; look < LOOKS; look++) {
            try {
                judge(thread, view, attempt, transition);
                return true;
            } catch (final ViewException e) {
                if (e.errno() == Errno.EBUSY) {
                    return false;
                }
                if (e.errno() != Errno.EAGAIN) {
                    throw e;
                }
            }
        }
        return false;
    }

    private void judge(final ThreadEntry thread, final int view, final Attempt attempt, final Transition transition)
            throws IOException {
        final Snapshot snapshot = views.snapshot(thread.tid(), STACK_CAPACITY);
        attempt.seen(snapshot.sequence());
        if (snapshot.view() != thread.view()) {
            return;
        }
        switch (check.check(snapshot, transition.ranges())) {
            case Quiescence.Reached reached -> views.migrateIfSequence(thread.tid(), view, snapshot.sequence());
            case Quiescence.Held found ->
                held(thread, found.address() == 0 ? found.reason() : attempt.function(found.address()));
        }
    }

    private void note(final ViewEvent event) {
        final Attempt attempt = attempts.get(event.tid());
        if (event.type() == ViewEvent.Type.STAYED && attempt != null) {
            switch (event.stayed()) {
                case IN_RANGE, ON_STACK -> held(attempt.thread(), attempt.function(event.address()));
                case NO_STACK -> notSeen(attempt.thread());
                default -> attempt.soon();
            }
        }
    }

    private void held(final ThreadEntry thread, final String by) {
        final HeldThreads.Way way = ways.get(thread.tid());
        if (way != null && held.held(thread.tid(), way, by)) {
            progress.held(thread.tid(), thread.name(), by);
        }
    }

    /** That a look told nothing, which matters only while no look has told more. */
    private void notSeen(final ThreadEntry thread) {
        if (held(thread.tid()).isEmpty()) {
            held(thread, "a stack that can not be checked while it runs: too deep, or being mapped");
        }
    }
}

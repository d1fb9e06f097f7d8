// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The threads of a process that tried to move and could not yet. This outlives one reconciliation, which may have no time to
 * look at all of them: what a look told holds until another one tells more, or the thread has moved, has to go elsewhere, or
 * is gone.
 */
final class HeldThreads {
    private final Map<Integer, Held> held = new HashMap<>();

    /**
     * What a thread is to do.
     *
     * @param birth when the thread started, as another one may get its id
     * @param from the view that it is in
     * @param to the view that it should be in
     */
    record Way(long birth, int from, int to) {}

    /**
     * A thread that is held.
     *
     * @param way where it could not go
     * @param by the function that holds it, or why its stack can not be read
     * @param since when it first could not
     */
    record Held(Way way, String by, Instant since) {}

    /** Forgets the threads that have another way than these, or none any more. */
    void keep(final Map<Integer, Way> ways) {
        held.entrySet().removeIf(known -> !known.getValue().way().equals(ways.get(known.getKey())));
    }

    /** A look told what holds a thread. Returns whether nothing was known to. */
    boolean held(final int tid, final Way way, final String by) {
        final Optional<Held> before = of(tid, way);
        held.put(tid, new Held(way, by, before.map(Held::since).orElseGet(Instant::now)));
        return before.isEmpty();
    }

    /** What holds a thread on this way; empty if that is not known. */
    Optional<Held> of(final int tid, final Way way) {
        return Optional.ofNullable(held.get(tid)).filter(known -> known.way().equals(way));
    }
}

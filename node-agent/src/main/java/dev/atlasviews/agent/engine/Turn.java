// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.util.List;
import java.util.stream.Stream;

/** Whose turn it is among the threads of a process, where there was no time for all of them. */
final class Turn {
    private long birth;

    /** The next time begins with this thread, or where it is gone, with the one that was born after it. */
    void of(final ThreadEntry thread) {
        birth = thread.startTime();
    }

    /**
     * Those whose turn it is, then those who had theirs.
     *
     * @param threads in any order, which stays as it is within both
     */
    List<ThreadEntry> sorted(final List<ThreadEntry> threads) {
        return Stream.concat(
                        threads.stream().filter(thread -> thread.startTime() >= birth),
                        threads.stream().filter(thread -> thread.startTime() < birth))
                .toList();
    }
}

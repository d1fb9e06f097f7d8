// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/**
 * A thread of a process and the view it is in.
 *
 * @param tid its id, in our pid namespace
 * @param view the view it is in
 * @param onCpu whether it was running when listed
 * @param pending whether a checked migration is under way
 * @param startTime nanoseconds since boot; tells a reused id from the thread that had it
 * @param name the kernel's name of it
 */
public record ThreadEntry(int tid, int view, boolean onCpu, boolean pending, long startTime, String name) {
    static final int FLAG_ON_CPU = 1;
    static final int FLAG_PENDING = 2;

    static ThreadEntry from(final Struct entry) {
        final int flags = entry.getInt("flags");
        return new ThreadEntry(
                entry.getInt("tid"),
                entry.getInt("view"),
                (flags & FLAG_ON_CPU) != 0,
                (flags & FLAG_PENDING) != 0,
                entry.getLong("start_time"),
                entry.getString("comm"));
    }
}

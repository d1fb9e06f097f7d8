// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * Threads by where they are.
 *
 * @param total threads that the change is meant for
 * @param moved those of them that are where they should be
 * @param held those that tried to move and could not yet
 */
@ApiRecord
public record ThreadCounts(int total, int moved, int held) {
    /** No threads. */
    public static final ThreadCounts NONE = new ThreadCounts(0, 0, 0);

    /**
     * These threads and others.
     *
     * @param other the others; counted twice where they are the same threads
     * @return the sums
     */
    public ThreadCounts plus(final ThreadCounts other) {
        return new ThreadCounts(total + other.total, moved + other.moved, held + other.held);
    }
}

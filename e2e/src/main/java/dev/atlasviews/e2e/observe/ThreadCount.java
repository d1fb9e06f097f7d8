// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.observe;

/**
 * What one thread did since it was first seen.
 *
 * @param tid its id on the node
 * @param view the view it is in; 0 is the base view
 * @param newCode executions of the new code's first instruction
 * @param oldCode executions of an instruction of the old code, behind its entry
 * @param interrupted system calls that a signal cut short
 * @param name its name
 */
public record ThreadCount(int tid, int view, long newCode, long oldCode, long interrupted, String name) {

    /** Reads a line of {@code e2e/observe/observe.c}. */
    static ThreadCount parse(String line) {
        var fields = line.split(" ", 7);
        return new ThreadCount(
                Integer.parseInt(fields[1]),
                Integer.parseInt(fields[2]),
                Long.parseLong(fields[3]),
                Long.parseLong(fields[4]),
                Long.parseLong(fields[5]),
                fields[6]);
    }
}

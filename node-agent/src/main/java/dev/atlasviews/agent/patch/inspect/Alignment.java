// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which elements of two lists are the same: a longest common subsequence.
 *
 * <p>Source: Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, the greedy algorithm of section 4.
 */
final class Alignment {
    /** What is not aligned. */
    static final int NONE = -1;

    /** Lists that differ in more elements count as different from the first difference to the last. */
    private static final int MOST_DIFFERENCES = 3000;

    private Alignment() {}

    /** For each element of one list its partner in the other, or {@link #NONE}; partners ascend. */
    static int[] of(final List<String> before, final List<String> after) {
        final int[] partners = new int[before.size()];
        Arrays.fill(partners, NONE);
        int start = 0;
        while (start < Math.min(before.size(), after.size())
                && before.get(start).equals(after.get(start))) {
            partners[start] = start++;
        }
        int end = 0;
        while (end < Math.min(before.size(), after.size()) - start
                && before.get(before.size() - 1 - end).equals(after.get(after.size() - 1 - end))) {
            partners[before.size() - 1 - end] = after.size() - 1 - end++;
        }
        align(before.subList(start, before.size() - end), after.subList(start, after.size() - end), start, partners);
        return partners;
    }

    private static void align(
            final List<String> before, final List<String> after, final int start, final int[] partners) {
        final List<int[]> trace = new ArrayList<>();
        final int most = Math.min(MOST_DIFFERENCES, before.size() + after.size());
        int[] reached = {0, 0, 0}; // by diagonal, from -1 to 1: how far into the first list
        for (int differences = 0; differences <= most; differences++) {
            final int[] now = new int[2 * differences + 3];
            for (int diagonal = -differences; diagonal <= differences; diagonal += 2) {
                int x = differences == 0 ? 0 : from(reached, differences, diagonal);
                while (x < before.size()
                        && x - diagonal < after.size()
                        && before.get(x).equals(after.get(x - diagonal))) {
                    x++;
                }
                now[diagonal + differences + 1] = x;
                if (x >= before.size() && x - diagonal >= after.size()) {
                    back(trace, differences, before.size(), after.size(), start, partners);
                    return;
                }
            }
            trace.add(now);
            reached = now;
        }
    }

    /** How far the better of the two neighbouring diagonals gets, one difference earlier. */
    private static int from(final int[] earlier, final int differences, final int diagonal) {
        final int middle = differences; // diagonal 0 in the row of one difference less
        final boolean down = diagonal == -differences
                || (diagonal != differences && earlier[middle + diagonal - 1] < earlier[middle + diagonal + 1]);
        return down ? earlier[middle + diagonal + 1] : earlier[middle + diagonal - 1] + 1;
    }

    private static void back(
            final List<int[]> trace,
            final int differences,
            final int endX,
            final int endY,
            final int start,
            final int[] partners) {
        int x = endX;
        int y = endY;
        for (int d = differences; d > 0; d--) {
            final int[] earlier = trace.get(d - 1);
            final int diagonal = x - y;
            final boolean down =
                    diagonal == -d || (diagonal != d && earlier[d + diagonal - 1] < earlier[d + diagonal + 1]);
            final int previous = down ? diagonal + 1 : diagonal - 1;
            final int from = earlier[d + previous];
            final int entered = down ? from : from + 1;
            for (; x > entered; x--, y--) {
                partners[start + x - 1] = start + y - 1;
            }
            x = from;
            y = from - previous;
        }
        for (; x > 0; x--, y--) {
            partners[start + x - 1] = start + y - 1;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** The order of windows: every block holds each condition once, in an order of its own. */
public final class WindowPlan {
    private WindowPlan() {}

    /**
     * Plans alternating windows. Comparing within a block cancels what drifts over minutes, the
     * random order cancels what one condition leaves behind for the next.
     *
     * @param conditions to measure
     * @param blocks how often each condition is to be measured
     * @param seed of the order
     * @return for each block the conditions in the order in which to measure them
     */
    public static List<List<Condition>> alternating(List<Condition> conditions, int blocks, long seed) {
        var random = new Random(seed);
        List<List<Condition>> plan = new ArrayList<>();
        for (int i = 0; i < blocks; i++) {
            var block = new ArrayList<>(conditions);
            Collections.shuffle(block, random);
            plan.add(List.copyOf(block));
        }
        return List.copyOf(plan);
    }
}

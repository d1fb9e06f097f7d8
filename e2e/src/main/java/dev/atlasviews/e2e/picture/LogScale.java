// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import java.util.ArrayList;
import java.util.List;

/**
 * A logarithmic axis, from the bottom of a panel to its top or from one of its sides to the other.
 *
 * @param low the value at the bottom
 * @param high the value at the top
 * @param bottom where the bottom is, in pixels
 * @param top where the top is, in pixels
 */
record LogScale(double low, double high, double bottom, double top) {

    /** An axis for values from {@code shortest} to {@code longest}, with some room on both sides. */
    static LogScale covering(double shortest, double longest, double bottom, double top) {
        return new LogScale(shortest / 1.6, longest * 1.6, bottom, top);
    }

    double at(double value) {
        double clamped = Math.clamp(value, low, high);
        return bottom - (bottom - top) * Math.log(clamped / low) / Math.log(high / low);
    }

    /** The values 1, 2 and 5 of every decade that the axis covers. */
    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        for (int decade = -4; decade <= 6; decade++) {
            for (int digit : new int[] {1, 2, 5}) {
                double tick = digit * Math.pow(10, decade);
                if (tick >= low && tick <= high) {
                    ticks.add(tick);
                }
            }
        }
        return ticks;
    }
}

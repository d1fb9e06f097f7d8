// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

import dev.atlasviews.e2e.load.Slice;
import java.util.List;

/**
 * One patch and its revert under load: what one panel shows.
 *
 * @param title how the threads were moved
 * @param colour of the latencies, as in CSS
 * @param zeroNanos the instant that the time axis calls 0
 * @param slices the latencies, in order of time
 * @param spans the patch and the revert
 * @param movesNanos when a thread moved
 * @param undisturbedMillis the undisturbed P99.5, in milliseconds
 */
public record Episode(
        String title,
        String colour,
        long zeroNanos,
        List<Slice> slices,
        List<Span> spans,
        List<Long> movesNanos,
        double undisturbedMillis) {

    /** Checks that there is something to draw. */
    public Episode {
        if (slices.isEmpty()) {
            throw new IllegalArgumentException("nothing was measured: " + title);
        }
    }

    double secondsOf(long nanos) {
        return (nanos - zeroNanos) / 1e9;
    }

    double firstSecond() {
        return secondsOf(slices.getFirst().startNanos());
    }

    double lastSecond() {
        return secondsOf(slices.getLast().startNanos());
    }

    double longestMillis() {
        return slices.stream().mapToDouble(Slice::maxMillis).max().orElseThrow();
    }

    double shortestMillis() {
        return slices.stream().mapToDouble(Slice::p50Millis).min().orElseThrow();
    }
}

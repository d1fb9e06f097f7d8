// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * How many times longer one condition's latency is than another's.
 *
 * @param estimate the geometric mean over the blocks
 * @param low lower end of its 95 % confidence interval
 * @param high upper end of its 95 % confidence interval
 */
public record Ratio(double estimate, double low, double high) {
    private static final int RESAMPLES = 10_000;
    private static final long SEED = 20_250_923;

    /** The width of the confidence interval. */
    public double width() {
        return high - low;
    }

    /**
     * Estimates a ratio from one figure per block by the percentile bootstrap: blocks are drawn with
     * replacement (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979). The draws are
     * seeded: the same figures give the same interval.
     *
     * @param logRatios natural logarithms of the blocks' ratios, at least two
     */
    static Ratio bootstrap(double[] logRatios) {
        if (logRatios.length < 2) {
            throw new IllegalArgumentException("a confidence interval needs two blocks, not " + logRatios.length);
        }
        var random = new SplittableRandom(SEED);
        var means = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            double sum = 0;
            for (int draw = 0; draw < logRatios.length; draw++) {
                sum += logRatios[random.nextInt(logRatios.length)];
            }
            means[i] = sum / logRatios.length;
        }
        Arrays.sort(means);
        double mean = Arrays.stream(logRatios).average().orElseThrow();
        return new Ratio(Math.exp(mean), Math.exp(at(means, 0.025)), Math.exp(at(means, 0.975)));
    }

    private static double at(double[] sorted, double quantile) {
        return sorted[(int) Math.round(quantile * (sorted.length - 1))];
    }
}

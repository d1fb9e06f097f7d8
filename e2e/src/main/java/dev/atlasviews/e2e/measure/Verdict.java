// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

/** Whether a measured ratio keeps to a bar. */
public enum Verdict {
    /** The whole confidence interval is within the bar, give or take half the noise. */
    MET,
    /** It is not. */
    NOT_MET,
    /** The machine is too noisy to tell. */
    NOT_MEASURABLE;

    /** An A/A interval wider than this says nothing about a few per cent. */
    private static final double WIDEST_NOISE = 0.1;

    /**
     * Judges a ratio.
     *
     * @param ratio what was measured
     * @param bar the largest ratio that is allowed
     * @param noise undisturbed against undisturbed, measured in the same blocks
     */
    public static Verdict of(Ratio ratio, double bar, Ratio noise) {
        if (noise.width() > WIDEST_NOISE) {
            return NOT_MEASURABLE;
        }
        return ratio.high() <= bar + noise.width() / 2 ? MET : NOT_MET;
    }
}

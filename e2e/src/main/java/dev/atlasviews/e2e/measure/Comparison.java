// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * Local and global migration against the undisturbed server.
 *
 * @param percentile which latency is compared, for instance 99.5
 * @param blocks how many windows of each condition stand behind it
 * @param noise undisturbed against undisturbed (A/A)
 * @param local while threads move one by one
 * @param global while all threads are stopped
 * @param libpulp while libpulp patches; null where it does not
 * @param bar the largest local ratio that is allowed
 * @param verdict on the local ratio
 */
public record Comparison(
        double percentile,
        int blocks,
        Ratio noise,
        Ratio local,
        Ratio global,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Ratio libpulp,
        double bar,
        Verdict verdict) {

    /** Compares the windows at a percentile (0 … 100) and judges local migration by a bar. */
    public static Comparison of(Windows windows, double percentile, double bar) {
        var noise = Ratio.bootstrap(windows.logRatios(Condition.CONTROL, percentile));
        var local = Ratio.bootstrap(windows.logRatios(Condition.LOCAL, percentile));
        var global = Ratio.bootstrap(windows.logRatios(Condition.GLOBAL, percentile));
        var libpulp = windows.conditions().contains(Condition.LIBPULP)
                ? Ratio.bootstrap(windows.logRatios(Condition.LIBPULP, percentile))
                : null;
        return new Comparison(
                percentile, windows.blocks(), noise, local, global, libpulp, bar, Verdict.of(local, bar, noise));
    }
}

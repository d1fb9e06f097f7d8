// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import dev.atlasviews.e2e.load.Samples;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.HdrHistogram.Histogram;

/**
 * The measured windows of every condition. The n-th window of one condition and the n-th of another
 * belong to the same block of the {@link WindowPlan}.
 */
public final class Windows {
    private final Map<Condition, List<Histogram>> windows = new EnumMap<>(Condition.class);

    /** No windows yet of any of the conditions. */
    public Windows(Collection<Condition> conditions) {
        for (var condition : conditions) {
            windows.put(condition, new ArrayList<>());
        }
    }

    /** The conditions, in the order in which they are declared. */
    public Set<Condition> conditions() {
        return Collections.unmodifiableSet(windows.keySet());
    }

    /**
     * Adds the next window of a condition.
     *
     * @param micros its latencies in microseconds
     */
    public void add(Condition condition, Histogram micros) {
        if (micros.getTotalCount() == 0) {
            throw new IllegalArgumentException("a window of " + condition + " without a request");
        }
        of(condition).add(micros);
    }

    /** How many blocks have all their windows. */
    public int blocks() {
        return windows.values().stream().mapToInt(List::size).min().orElse(0);
    }

    /** The latencies of the newest window of a condition, in microseconds. */
    public Histogram newest(Condition condition) {
        return of(condition).getLast();
    }

    /** The latencies of all windows of a condition, in microseconds. */
    public Histogram pooled(Condition condition) {
        var all = Samples.newHistogram();
        of(condition).forEach(all::add);
        return all;
    }

    /**
     * One figure for each complete block: how much longer a percentile is than undisturbed.
     *
     * @param percentile 0 … 100
     * @return natural logarithms of the ratios
     */
    double[] logRatios(Condition condition, double percentile) {
        var ratios = new double[blocks()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = Math.log(valueAt(condition, i, percentile) / valueAt(Condition.UNDISTURBED, i, percentile));
        }
        return ratios;
    }

    private double valueAt(Condition condition, int block, double percentile) {
        // A latency below the resolution of one microsecond would make the logarithm infinite.
        return Math.max(1, of(condition).get(block).getValueAtPercentile(percentile));
    }

    private List<Histogram> of(Condition condition) {
        return windows.computeIfAbsent(condition, absent -> new ArrayList<>());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import org.HdrHistogram.Histogram;

/**
 * Latencies of many requests, in milliseconds.
 *
 * @param p50 the median
 * @param p99 the 99th percentile
 * @param p995 the 99.5th percentile
 * @param max the longest
 */
@JsonPropertyOrder({"p50", "p99", "p99_5", "max"})
public record Quantiles(
        double p50, double p99, @JsonProperty("p99_5") double p995, double max) {

    /** Summarises a histogram of microseconds. */
    public static Quantiles of(Histogram micros) {
        return new Quantiles(
                micros.getValueAtPercentile(50) / 1000.0,
                micros.getValueAtPercentile(99) / 1000.0,
                micros.getValueAtPercentile(99.5) / 1000.0,
                micros.getMaxValue() / 1000.0);
    }
}

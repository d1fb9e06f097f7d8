// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import org.HdrHistogram.Histogram;

/**
 * The requests of a short span of a run.
 *
 * @param startNanos its start, nanoseconds after the start of the load
 * @param requests how many were meant to leave in it
 * @param p50Millis their median latency, in milliseconds
 * @param p99Millis their 99th percentile, in milliseconds
 * @param maxMillis their longest latency, in milliseconds
 */
public record Slice(long startNanos, long requests, double p50Millis, double p99Millis, double maxMillis) {

    static Slice of(long startNanos, Histogram micros) {
        return new Slice(
                startNanos,
                micros.getTotalCount(),
                micros.getValueAtPercentile(50) / 1000.0,
                micros.getValueAtPercentile(99) / 1000.0,
                micros.getMaxValue() / 1000.0);
    }
}

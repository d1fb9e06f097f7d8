// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * The latency of every request of a run, kept one by one, so that any span of the run can be
 * summarised afterwards. Written by all connections while it is read.
 */
public final class Samples {
    /** Decimal digits that a histogram keeps of a latency. */
    private static final int DIGITS = 3;

    private long[] intendedNanos = new long[1 << 14];
    private long[] latencyNanos = new long[1 << 14];
    private int size;

    /** An empty histogram of the kind that this class returns: latencies in microseconds. */
    public static Histogram newHistogram() {
        return new Histogram(DIGITS);
    }

    synchronized void add(long intended, long latency) {
        if (size == intendedNanos.length) {
            intendedNanos = Arrays.copyOf(intendedNanos, size * 2);
            latencyNanos = Arrays.copyOf(latencyNanos, size * 2);
        }
        intendedNanos[size] = intended;
        latencyNanos[size] = latency;
        size++;
    }

    /** How many requests were recorded so far. */
    public synchronized int size() {
        return size;
    }

    /**
     * Summarises the requests that were meant to leave in a span of the run.
     *
     * @param from nanoseconds after the start of the load, inclusive
     * @param to nanoseconds after the start of the load, exclusive
     * @return their latencies in microseconds
     */
    public synchronized Histogram between(long from, long to) {
        var histogram = newHistogram();
        for (int i = 0; i < size; i++) {
            if (intendedNanos[i] >= from && intendedNanos[i] < to) {
                histogram.recordValue(micros(latencyNanos[i]));
            }
        }
        return histogram;
    }

    /**
     * Cuts a span of the run into slices of equal width. Slices without a request are left out.
     *
     * @param from nanoseconds after the start of the load, inclusive
     * @param to nanoseconds after the start of the load, exclusive
     * @param width of a slice, in nanoseconds
     * @return the slices in order of time
     */
    public synchronized List<Slice> slices(long from, long to, long width) {
        var histograms = new Histogram[Math.toIntExact((to - from + width - 1) / width)];
        for (int i = 0; i < size; i++) {
            if (intendedNanos[i] >= from && intendedNanos[i] < to) {
                int slice = (int) ((intendedNanos[i] - from) / width);
                if (histograms[slice] == null) {
                    histograms[slice] = newHistogram();
                }
                histograms[slice].recordValue(micros(latencyNanos[i]));
            }
        }
        List<Slice> slices = new ArrayList<>();
        for (int i = 0; i < histograms.length; i++) {
            if (histograms[i] != null) {
                slices.add(Slice.of(from + i * width, histograms[i]));
            }
        }
        return slices;
    }

    private static long micros(long nanos) {
        return (nanos + 500) / 1000;
    }
}

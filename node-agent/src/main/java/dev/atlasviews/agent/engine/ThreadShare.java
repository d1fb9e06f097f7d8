// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

/**
 * How many of a process' threads.
 *
 * @param number threads, or hundredths of all threads; at least 1
 * @param percent whether it is hundredths
 */
public record ThreadShare(int number, boolean percent) {
    /** All of them. */
    public static final ThreadShare ALL = new ThreadShare(100, true);

    private static final int HUNDRED = 100;

    /** Checks the number. */
    public ThreadShare {
        if (number < 1 || (percent && number > HUNDRED)) {
            throw new IllegalArgumentException("no share of threads: " + number + (percent ? "%" : ""));
        }
    }

    /** A number, or a percentage with its sign. */
    public static ThreadShare of(final String text) {
        final boolean percent = text.endsWith("%");
        return new ThreadShare(Integer.parseInt(percent ? text.substring(0, text.length() - 1) : text), percent);
    }

    /** How many of so many; a part of a thread is a thread. */
    public int of(final int threads) {
        return percent ? Math.toIntExact(((long) threads * number + HUNDRED - 1) / HUNDRED) : Math.min(number, threads);
    }

    /** Whether it leaves no thread out, however many there are. */
    public boolean all() {
        return percent && number == HUNDRED;
    }

    @Override
    public String toString() {
        return percent ? number + "%" : Integer.toString(number);
    }
}

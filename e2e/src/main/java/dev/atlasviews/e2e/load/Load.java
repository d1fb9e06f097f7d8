// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.util.concurrent.TimeUnit;

/**
 * What is sent and how often.
 *
 * @param rate requests per second, over all connections
 * @param connections connections that share the rate evenly
 * @param clients make the connections
 */
public record Load(int rate, int connections, Clients clients) {

    /** Checks the figures. */
    public Load {
        if (rate < 1 || connections < 1) {
            throw new IllegalArgumentException("rate and connections must be positive: " + rate + ", " + connections);
        }
    }

    /**
     * When a request is meant to leave.
     *
     * @param connection index of the connection, from 0
     * @param n index of the request on that connection, from 0
     * @return nanoseconds after the start of the load
     */
    long intendedNanos(int connection, long n) {
        return (connection + n * connections) * TimeUnit.SECONDS.toNanos(1) / rate;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import java.io.IOException;

/** What is done to a server to see what it does to the latency of its requests. */
@FunctionalInterface
public interface Disturbance {
    /** Does it, and returns when it is done; nothing for a condition in which nothing happens. */
    void happen(Condition condition) throws IOException;
}

// SPDX-License-Identifier: Apache-2.0
/**
 * Open-loop load on a Redis server: requests leave at times fixed in advance, whatever the server
 * does, and a latency is counted from the time at which its request was meant to leave. A server
 * that stalls therefore delays every request that falls into the stall, instead of silently
 * sending fewer (Gil Tene, "How NOT to Measure Latency"; the schedule is the one of wrk2).
 */
@NullMarked
package dev.atlasviews.e2e.load;

import org.jspecify.annotations.NullMarked;

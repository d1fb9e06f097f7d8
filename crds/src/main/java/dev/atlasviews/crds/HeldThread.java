// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.time.Instant;

/**
 * A thread that cannot move yet.
 *
 * @param tid the thread, as the node counts it
 * @param name its name
 * @param function the function on its stack that holds it, or why its stack cannot be read
 * @param since when it first could not move
 */
@ApiRecord
public record HeldThread(int tid, String name, String function, Instant since) {}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

/**
 * Something that happened during a run, such as the start of a patch.
 *
 * @param name what happened
 * @param atNanos when, nanoseconds after the start of the load
 */
public record Mark(String name, long atNanos) {}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.picture;

/**
 * A time during which something was under way, drawn as a shaded band.
 *
 * @param name what was under way
 * @param fromNanos its start, on the clock of the slices
 * @param toNanos its end
 */
public record Span(String name, long fromNanos, long toNanos) {}

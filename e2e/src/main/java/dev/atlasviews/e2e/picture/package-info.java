// SPDX-License-Identifier: Apache-2.0
/** Draws what was measured, as SVG and PNG: latency over time, ratios, growth. */
@NullMarked
package dev.atlasviews.e2e.picture;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** Draws the latency of a run over time, as SVG and PNG. */
@NullMarked
package dev.atlasviews.e2e.picture;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** How the operator does in clusters of growing size: a real API server, simulated nodes. */
@NullMarked
package dev.atlasviews.e2e.scale;

import org.jspecify.annotations.NullMarked;

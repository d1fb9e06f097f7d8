// SPDX-License-Identifier: Apache-2.0
/** One fix of a library for unrelated programs that have it loaded, or load it later, on one node. */
@NullMarked
package dev.atlasviews.e2e.programs;

import org.jspecify.annotations.NullMarked;

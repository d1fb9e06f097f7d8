// SPDX-License-Identifier: Apache-2.0
/** Tells the scheduler, by a label, which nodes can patch. */
@NullMarked
package dev.atlasviews.operator.nodelabel;

import org.jspecify.annotations.NullMarked;

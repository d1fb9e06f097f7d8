// SPDX-License-Identifier: Apache-2.0
/** From the status of the PodViews to the status of each ViewPatch: conditions, counts, events, and its end. */
@NullMarked
package dev.atlasviews.operator.viewpatch;

import org.jspecify.annotations.NullMarked;

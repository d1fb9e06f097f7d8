// SPDX-License-Identifier: Apache-2.0
/** What became of a ViewPatch in a pod, from what its node reported. */
@NullMarked
package dev.atlasviews.operator.outcomes;

import org.jspecify.annotations.NullMarked;

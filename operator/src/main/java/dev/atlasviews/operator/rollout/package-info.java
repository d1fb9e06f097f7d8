// SPDX-License-Identifier: Apache-2.0
/** In which order and at which pace pods get a change: the next step from what is there, and which pods a step allows. */
@NullMarked
package dev.atlasviews.operator.rollout;

import org.jspecify.annotations.NullMarked;

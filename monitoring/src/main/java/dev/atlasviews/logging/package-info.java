// SPDX-License-Identifier: Apache-2.0
/** How operator and agent write their logs: for people, or for a pipeline. */
@NullMarked
package dev.atlasviews.logging;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** Tests. */
@NullMarked
package dev.atlasviews.operator.outcomes;

import org.jspecify.annotations.NullMarked;

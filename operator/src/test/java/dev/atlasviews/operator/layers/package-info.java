// SPDX-License-Identifier: Apache-2.0
/** Tests. */
@NullMarked
package dev.atlasviews.operator.layers;

import org.jspecify.annotations.NullMarked;

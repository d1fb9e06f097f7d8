// SPDX-License-Identifier: Apache-2.0
/** The layers that ViewPatches stand for. */
@NullMarked
package dev.atlasviews.operator.layers;

import org.jspecify.annotations.NullMarked;

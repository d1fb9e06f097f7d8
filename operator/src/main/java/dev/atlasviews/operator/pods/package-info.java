// SPDX-License-Identifier: Apache-2.0
/** Which pods and containers a ViewPatch is meant for. */
@NullMarked
package dev.atlasviews.operator.pods;

import org.jspecify.annotations.NullMarked;

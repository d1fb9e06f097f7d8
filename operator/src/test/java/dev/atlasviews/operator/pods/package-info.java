// SPDX-License-Identifier: Apache-2.0
/** Tests. */
@NullMarked
package dev.atlasviews.operator.pods;

import org.jspecify.annotations.NullMarked;

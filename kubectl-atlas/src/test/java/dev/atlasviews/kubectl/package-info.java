// SPDX-License-Identifier: Apache-2.0
/** Tests. */
@NullMarked
package dev.atlasviews.kubectl;

import org.jspecify.annotations.NullMarked;

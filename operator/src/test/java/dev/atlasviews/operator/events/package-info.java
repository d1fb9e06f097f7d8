// SPDX-License-Identifier: Apache-2.0
/** Tests. */
@NullMarked
package dev.atlasviews.operator.events;

import org.jspecify.annotations.NullMarked;

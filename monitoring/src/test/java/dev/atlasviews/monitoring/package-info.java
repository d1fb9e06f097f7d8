// SPDX-License-Identifier: Apache-2.0
/** Tests of what is told. */
@NullMarked
package dev.atlasviews.monitoring;

import org.jspecify.annotations.NullMarked;

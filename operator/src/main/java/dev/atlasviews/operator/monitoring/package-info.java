// SPDX-License-Identifier: Apache-2.0
/** What the operator tells its supervisor and whoever measures it. */
@NullMarked
package dev.atlasviews.operator.monitoring;

import org.jspecify.annotations.NullMarked;

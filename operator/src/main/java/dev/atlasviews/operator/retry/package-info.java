// SPDX-License-Identifier: Apache-2.0
/** What becomes of a reconciliation that failed. */
@NullMarked
package dev.atlasviews.operator.retry;

import org.jspecify.annotations.NullMarked;

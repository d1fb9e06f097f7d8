// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.atlasviews.operator.retry;

import org.jspecify.annotations.NullMarked;

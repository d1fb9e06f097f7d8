// SPDX-License-Identifier: Apache-2.0
/** A real API server for tests, of this module and of others. */
@NullMarked
package dev.atlasviews.operator.testing;

import org.jspecify.annotations.NullMarked;

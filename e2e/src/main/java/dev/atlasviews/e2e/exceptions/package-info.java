// SPDX-License-Identifier: Apache-2.0
/** Exceptions under the module: threads throw all the time while the code that they throw through comes and goes. */
@NullMarked
package dev.atlasviews.e2e.exceptions;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/** The readiness gate by which a pod does not serve before its ViewPatches are applied. */
@NullMarked
package dev.atlasviews.operator.gate;

import org.jspecify.annotations.NullMarked;

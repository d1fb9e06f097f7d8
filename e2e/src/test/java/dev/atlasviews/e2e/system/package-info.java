// SPDX-License-Identifier: Apache-2.0
/** Tests of the whole on a real node. */
@NullMarked
package dev.atlasviews.e2e.system;

import org.jspecify.annotations.NullMarked;

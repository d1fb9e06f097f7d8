// SPDX-License-Identifier: Apache-2.0
/** Tests of what the set-up scripts find out about the machine. */
@NullMarked
package dev.atlasviews.e2e.setup;

import org.jspecify.annotations.NullMarked;

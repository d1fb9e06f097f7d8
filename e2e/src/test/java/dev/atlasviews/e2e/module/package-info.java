// SPDX-License-Identifier: Apache-2.0

/** The kernel module's own test programs, on each kernel and machine that is claimed to work. */
@NullMarked
package dev.atlasviews.e2e.module;

import org.jspecify.annotations.NullMarked;

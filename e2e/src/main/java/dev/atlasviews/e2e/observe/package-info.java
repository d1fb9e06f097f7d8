// SPDX-License-Identifier: Apache-2.0
/** Counts what the threads of a process on the node do, from outside and without stopping them. */
@NullMarked
package dev.atlasviews.e2e.observe;

import org.jspecify.annotations.NullMarked;

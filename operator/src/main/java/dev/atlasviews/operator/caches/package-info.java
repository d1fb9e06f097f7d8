// SPDX-License-Identifier: Apache-2.0
/** What the operator remembers of a cluster's objects, so that its memory is enough for large ones. */
@NullMarked
package dev.atlasviews.operator.caches;

import org.jspecify.annotations.NullMarked;

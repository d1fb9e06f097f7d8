// SPDX-License-Identifier: Apache-2.0
/** Holds the contract against the records that carry it, and against an API server's rules. */
@NullMarked
package dev.atlasviews.crds;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
/**
 * The custom resources of the group {@code atlasviews.dev} as Java records.
 *
 * <p>The contract is the YAML in {@code crds/}; these types follow it, and a test holds one against the other.
 */
@NullMarked
package dev.atlasviews.crds;

import org.jspecify.annotations.NullMarked;

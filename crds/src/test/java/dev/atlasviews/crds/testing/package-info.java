// SPDX-License-Identifier: Apache-2.0
/** What tests of other modules need of the contract. */
@NullMarked
package dev.atlasviews.crds.testing;

import org.jspecify.annotations.NullMarked;

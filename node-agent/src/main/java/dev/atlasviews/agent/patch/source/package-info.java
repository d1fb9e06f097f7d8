// SPDX-License-Identifier: Apache-2.0
/** From a source tree and a change to the object files before and after it, with the tree's own build command. */
@NullMarked
package dev.atlasviews.agent.patch.source;

import org.jspecify.annotations.NullMarked;

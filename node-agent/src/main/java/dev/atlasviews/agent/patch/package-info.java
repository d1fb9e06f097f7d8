// SPDX-License-Identifier: Apache-2.0
/**
 * Patches: from object files before and after a change, and the running program, to new code at chosen addresses.
 *
 * <p>A builder makes a patch file, a reader
 * reads one that nobody vouches for yet, {@link dev.atlasviews.agent.patch.PatchLinker} computes the bytes to map and
 * the jumps to write for one process. Nothing here touches a process.
 */
@NullMarked
package dev.atlasviews.agent.patch;

import org.jspecify.annotations.NullMarked;

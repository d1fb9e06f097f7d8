// SPDX-License-Identifier: Apache-2.0
/**
 * The patch builder: compares object files, checks that they are the running program's, and assembles a patch.
 *
 * <p>{@link dev.atlasviews.agent.patch.build.PatchBuilder} is the entry. What cannot be shown to be sound is a
 * {@link dev.atlasviews.agent.patch.build.PatchRefusedException} that names a reason and a symbol; nothing is guessed.
 */
@NullMarked
package dev.atlasviews.agent.patch.build;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import java.util.List;
import java.util.Set;

/**
 * What the author of a patch decides.
 *
 * @param basedOn the patches whose changes the objects after the change contain as well
 * @param libraries libraries whose symbols the patch may use beyond those that the program imports already
 * @param allowHiddenStacks whether to patch a program that switches stacks by itself
 * @param allowedTypes types whose layout may differ, as no object of them outlives the code that made it
 */
public record BuildOptions(
        List<Patch> basedOn, List<ElfFile> libraries, boolean allowHiddenStacks, Set<String> allowedTypes) {
    /** Among the allowed types: all of them, for objects without debug information. */
    public static final String ALL_TYPES = "*";

    /** Nothing special. */
    public static final BuildOptions NONE = new BuildOptions(List.of(), List.of(), false, Set.of());

    /** Takes copies of the lists. */
    public BuildOptions {
        basedOn = List.copyOf(basedOn);
        libraries = List.copyOf(libraries);
        allowedTypes = Set.copyOf(allowedTypes);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import java.util.List;

/**
 * What the author of a patch decides.
 *
 * @param basedOn digests of the patches that the objects after the change contain as well
 * @param libraries libraries whose symbols the patch may use beyond those that the program imports already
 * @param allowHiddenStacks whether to patch a program that switches stacks by itself
 */
public record BuildOptions(List<String> basedOn, List<ElfFile> libraries, boolean allowHiddenStacks) {
    /** Nothing special. */
    public static final BuildOptions NONE = new BuildOptions(List.of(), List.of(), false);

    /** Takes copies of the lists. */
    public BuildOptions {
        basedOn = List.copyOf(basedOn);
        libraries = List.copyOf(libraries);
    }
}

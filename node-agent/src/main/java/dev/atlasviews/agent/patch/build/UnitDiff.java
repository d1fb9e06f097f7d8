// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.Map;
import java.util.Set;

/**
 * What changed in one translation unit.
 *
 * @param changed names of the functions that differ, cold parts under their function's name
 * @param added names of the functions that are new, cold parts likewise
 * @param variables which old variable a new one is, where it is one
 * @param differing constants that are not what they were: referred to by changed code only, which gets its own copy
 */
record UnitDiff(
        ObjectFile before,
        ObjectFile after,
        Set<String> changed,
        Set<String> added,
        Map<ElfSymbol, ElfSymbol> variables,
        Set<ElfSymbol> differing) {
    /** Whether there is anything to patch. */
    boolean isEmpty() {
        return changed.isEmpty() && added.isEmpty();
    }
}

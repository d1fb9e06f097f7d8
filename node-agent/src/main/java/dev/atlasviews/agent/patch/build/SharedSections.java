// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.List;
import java.util.Optional;

/**
 * Variables that share a section, as without {@code -fdata-sections}. The assembler writes references to local ones as
 * distances from the section's start, and compilers mean places before and behind a variable too, such as the end of an
 * array: there lies its neighbour. Which variable is meant does not matter where all lie in the program as they do in the
 * object; where they do not, it can not be told.
 */
final class SharedSections {
    private SharedSections() {}

    /** Refuses a reference to who knows what, of new code or of data that is copied with it. */
    static void refuse(final PatchUnit unit, final ElfRelocation relocation, final Place place)
            throws ElfFormatException, PatchRefusedException {
        final ElfSymbol symbol = relocation.symbol();
        if (!symbol.isDefined()
                || unit.after().section(symbol).isCode()
                || unit.after().section(symbol).has(Elf.SHF_MERGE)) {
            return;
        }
        final ElfSection section = unit.after().section(symbol);
        final List<ElfSymbol> variables = unit.after().variables(section);
        final boolean isShared = variables.stream().anyMatch(variable -> variable.value() != 0);
        if (isShared
                && (place instanceof Place.Named(final ElfSymbol variable, final long _)
                        ? !variable.equals(symbol) && !isLaidOutAlike(unit, variables)
                        : !isTable(unit.after(), section, place.offset(), variables))) {
            throw new PatchRefusedException(
                    Refusal.NOT_DATA_SECTIONS,
                    place instanceof Place.Named(final ElfSymbol variable, final long _)
                            ? variable.name()
                            : section.name(),
                    unit.after().unit());
        }
    }

    private static boolean isLaidOutAlike(final PatchUnit unit, final List<ElfSymbol> variables) {
        final List<Optional<Long>> distances = variables.stream()
                .map(variable -> unit.runningVariable(variable).map(running -> running.value() - variable.value()))
                .distinct()
                .toList();
        return distances.size() == 1 && distances.getFirst().isPresent();
    }

    /** Whether a table for jumps begins at a place, and nothing ends there: such tables are copied with their functions. */
    private static boolean isTable(
            final ObjectFile object, final ElfSection section, final long offset, final List<ElfSymbol> variables)
            throws ElfFormatException {
        return variables.stream().noneMatch(variable -> variable.value() + variable.size() == offset)
                && object.relocations(section).stream()
                        .anyMatch(relocation -> relocation.offset() == offset
                                && object.place(relocation, 0) instanceof Place.Named(final ElfSymbol to, final long _)
                                && object.functions().containsKey(to.name()));
    }
}

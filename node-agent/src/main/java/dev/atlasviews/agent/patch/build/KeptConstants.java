// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Constants that differ and whose address the program may have kept, as objects do with a table of their operations. All
 * code that names such a constant is replaced, and has the new one, at another address; objects have the old one.
 */
final class KeptConstants {
    private static final int LEA = 0x8d;
    /** What compilers make by themselves, and name as no source can. */
    private static final Pattern COMPILERS =
            Pattern.compile("(CSWTCH|C|switch\\.table|reltable)\\..*|.*__(func|FUNCTION|PRETTY_FUNCTION)__.*");

    private KeptConstants() {}

    /** The names of these constants. */
    static List<String> of(final UnitDiff diff) throws ElfFormatException {
        final List<String> kept = new ArrayList<>();
        for (final ElfSymbol constant : diff.differing()) {
            final ElfSymbol old = diff.variables().get(constant);
            if (old != null
                    && !COMPILERS.matcher(constant.name()).matches()
                    && !isTableOfLabels(diff.after(), constant)
                    && isTaken(diff.before(), old)) {
                kept.add(constant.name());
            }
        }
        return kept;
    }

    /** Whether only the function that it leads into can do something with it. */
    private static boolean isTableOfLabels(final ObjectFile object, final ElfSymbol constant)
            throws ElfFormatException {
        return object.relocations(constant).stream()
                .anyMatch(relocation ->
                        object.place(relocation, 0) instanceof Place.Named(final ElfSymbol symbol, final long offset)
                                && offset != 0
                                && object.functions().containsKey(symbol.name()));
    }

    /** Whether code or data have the address of a constant, and do not just load from it. */
    private static boolean isTaken(final ObjectFile object, final ElfSymbol constant) throws ElfFormatException {
        for (final Code code : object.functions().values()) {
            for (final ElfRelocation relocation : code.relocations()) {
                if (takesAddress(code, relocation) && isOf(constant, object.place(code, relocation))) {
                    return true;
                }
            }
        }
        for (final ElfSection section : object.elf().sections()) {
            if (section.has(Elf.SHF_ALLOC) && !section.isCode()) {
                for (final ElfRelocation relocation : object.relocations(section)) {
                    if (isOf(constant, object.place(relocation, 0))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static boolean isOf(final ElfSymbol constant, final Place place) {
        return place instanceof Place.Named(final ElfSymbol symbol, final long _) && symbol.equals(constant);
    }

    private static boolean takesAddress(final Code code, final ElfRelocation relocation) {
        final Instruction instruction = code.instructionAt(relocation.offset());
        return instruction.opcode() == LEA
                || relocation.offset() >= instruction.immediate()
                || Relocations.isGotSlot(relocation.type());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Code that is in no function, as of assembly without {@code .type} and {@code .size}. What lies between functions to
 * align them is none.
 *
 * @param relocations in ascending order, offsets from the start of the code
 */
@SuppressWarnings("ArrayRecordComponent") // compared piece by piece
record LooseCode(String name, byte[] bytes, List<ElfRelocation> relocations) {
    private static final int NOP = 0x90;
    private static final int LONG_NOP = 0x0f1f;
    private static final int INT3 = 0xcc;

    /** What an object has of it, by section name, in the order of the sections. */
    static Map<String, List<LooseCode>> of(final ObjectFile object) throws ElfFormatException {
        final Map<String, List<LooseCode>> found = new LinkedHashMap<>();
        for (final ElfSection section : object.elf().sections()) {
            if (section.isCode()) {
                final List<LooseCode> pieces = of(object, section);
                if (!pieces.isEmpty()) {
                    found.computeIfAbsent(section.name(), name -> new ArrayList<>())
                            .addAll(pieces);
                }
            }
        }
        return found;
    }

    private static List<LooseCode> of(final ObjectFile object, final ElfSection section) throws ElfFormatException {
        final List<ElfSymbol> functions = object.elf().symbols().stream()
                .filter(symbol -> symbol.section() == section.index() && symbol.isFunction() && symbol.size() > 0)
                .sorted(Comparator.comparingLong(ElfSymbol::value))
                .toList();
        final List<LooseCode> pieces = new ArrayList<>();
        long end = 0;
        for (final ElfSymbol function : functions) {
            add(object, section, end, function.value(), pieces);
            end = Math.max(end, function.value() + function.size());
        }
        add(object, section, end, section.size(), pieces);
        return pieces;
    }

    private static void add(
            final ObjectFile object,
            final ElfSection section,
            final long start,
            final long end,
            final List<LooseCode> pieces)
            throws ElfFormatException {
        if (start >= end) {
            return;
        }
        final byte[] bytes = object.slice(section, start, end - start);
        final List<ElfRelocation> relocations = object.relocations(section).stream()
                .filter(relocation -> relocation.offset() >= start && relocation.offset() < end)
                .map(relocation -> new ElfRelocation(
                        relocation.offset() - start, relocation.type(), relocation.symbol(), relocation.addend()))
                .toList();
        if (!relocations.isEmpty() || !isPadding(bytes)) {
            pieces.add(new LooseCode(name(object, section, start, end), bytes, relocations));
        }
    }

    /** The first label there, or the section's name. */
    private static String name(final ObjectFile object, final ElfSection section, final long start, final long end) {
        return object.elf().symbols().stream()
                .filter(symbol -> symbol.section() == section.index()
                        && !symbol.name().isEmpty()
                        && symbol.value() >= start
                        && symbol.value() < end)
                .min(Comparator.comparingLong(ElfSymbol::value))
                .map(ElfSymbol::name)
                .orElse(section.name());
    }

    /** Whether there is nothing but what assemblers fill gaps with: zeros, or instructions that do nothing. */
    private static boolean isPadding(final byte[] bytes) {
        boolean isZero = true;
        for (final byte each : bytes) {
            isZero &= each == 0;
        }
        try {
            return isZero
                    || InstructionDecoder.decode(bytes).stream()
                            .allMatch(instruction -> instruction.opcode() == NOP
                                    || instruction.opcode() == LONG_NOP
                                    || instruction.opcode() == INT3);
        } catch (final InstructionDecoder.UnknownInstructionException e) {
            return false;
        }
    }
}

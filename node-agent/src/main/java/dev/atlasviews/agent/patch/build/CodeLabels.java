// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Rule 1, for places inside functions (a label's address, {@code &&label}): the new body's are not the old body's. A
 * constant table of them is copied with the new body. Where they may be kept otherwise, in a variable or by code that
 * takes such an address, old ones could meet new code, and the change is refused.
 */
final class CodeLabels {
    private static final int LEA = 0x8d;
    private static final int ADD_TO_RAX = 0x05;
    private static final int ARITHMETIC = 0x81;
    private static final int GROUP_5 = 0xff;
    private static final int JUMP = 4;
    private static final int REGISTER = 0xc0;
    private static final int RELATIVE_FIELD = 4;

    private CodeLabels() {}

    /**
     * Adds to {@code differing} the constants that refer to the inside of a changed function.
     *
     * @param changed names of the changed functions
     */
    static void refuse(
            final ObjectFile before,
            final ObjectFile after,
            final Set<String> changed,
            final Map<ElfSymbol, ElfSymbol> variables,
            final Set<ElfSymbol> differing)
            throws ElfFormatException, PatchRefusedException {
        for (final ElfSymbol variable : after.variables()) {
            final ElfSymbol old = variables.get(variable);
            for (final ElfRelocation relocation : after.relocations(variable)) {
                if (old != null
                        && after.place(relocation, 0) instanceof Place.Named(final ElfSymbol symbol, final long offset)
                        && offset != 0
                        && after.functions().containsKey(symbol.name())
                        && changed.contains(after.functions().get(symbol.name()).family())) {
                    if (after.isWritable(variable)) {
                        throw new PatchRefusedException(Refusal.CODE_LABEL, symbol.name(), "by " + variable.name());
                    }
                    differing.add(variable);
                }
            }
        }
        for (final String name : changed) {
            refuseTaken(before, name);
            refuseTaken(after, name);
        }
    }

    private static void refuseTaken(final ObjectFile object, final String name) throws PatchRefusedException {
        for (final Code code : object.parts(name)) {
            for (final Instruction instruction : code.instructions()) {
                if (takesOwnAddress(code, instruction) && target(code, instruction) != 0) {
                    throw taken(object, name, instruction);
                }
            }
            for (final ElfRelocation relocation : code.relocations()) {
                final Instruction instruction = code.instructionAt(relocation.offset());
                if (!instruction.isTransfer()
                        && isInside(object, name, object.place(code, relocation))
                        && !isJumpedTo(code, instruction)) {
                    throw taken(object, name, instruction);
                }
            }
        }
    }

    private static PatchRefusedException taken(
            final ObjectFile object, final String name, final Instruction instruction) {
        return new PatchRefusedException(Refusal.CODE_LABEL, name, object.unit() + ", offset " + instruction.start());
    }

    /** Whether a place is in a function, and not where others call it. */
    private static boolean isInside(final ObjectFile object, final String name, final Place place) {
        if (!(place instanceof Place.Named(final ElfSymbol symbol, final long offset))) {
            return false;
        }
        final Code code = object.functions().get(symbol.name());
        return code != null && code.family().equals(name) && (offset != 0 || code.isColdPart());
    }

    /**
     * Whether code adds a label's address to a distance from a table, and jumps there at once: {@code goto *(&&a + d[i])},
     * in programs at fixed addresses. What it jumps to is not kept.
     */
    private static boolean isJumpedTo(final Code code, final Instruction instruction) {
        final boolean adds = instruction.opcode() == ADD_TO_RAX
                || (instruction.opcode() == ARITHMETIC && instruction.operation() == 0)
                || instruction.opcode() == LEA;
        final Instruction next = code.instructionAt(instruction.end());
        return adds
                && next.start() == instruction.end()
                && next.opcode() == GROUP_5
                && next.operation() == JUMP
                && (code.bytes()[next.end() - 1] & 0xff) >= REGISTER;
    }

    /** Whether an instruction computes an address in its own section: the assembler left no relocation then. */
    static boolean takesOwnAddress(final Code code, final Instruction instruction) {
        final int field = instruction.end() - RELATIVE_FIELD;
        return instruction.opcode() == LEA
                && field - 1 > instruction.start()
                && (code.bytes()[field - 1] & 0xc7) == 0x05
                && code.relocations().stream().noneMatch(relocation -> relocation.offset() == field);
    }

    /**
     * The same code with a relocation wherever it takes its own function's address, which the assembler knew without: in
     * a patch this has to be the original entry.
     */
    static Code withOwnStart(final Code code) {
        final List<ElfRelocation> relocations = new ArrayList<>(code.relocations());
        final byte[] bytes = code.bytes().clone();
        for (final Instruction instruction : code.instructions()) {
            if (takesOwnAddress(code, instruction) && target(code, instruction) == 0) {
                final int field = instruction.end() - RELATIVE_FIELD;
                ByteBuffer.wrap(bytes).putInt(field, 0);
                relocations.add(new ElfRelocation(field, Elf.R_X86_64_PC32, code.symbol(), -RELATIVE_FIELD));
            }
        }
        relocations.sort(Comparator.comparingLong(ElfRelocation::offset));
        return new Code(code.symbol(), code.section(), bytes, List.copyOf(relocations), code.instructions());
    }

    /** Where it points, from the function's start. */
    private static long target(final Code code, final Instruction instruction) {
        return (long) instruction.end()
                + ByteBuffer.wrap(code.bytes())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getInt(instruction.end() - RELATIVE_FIELD);
    }
}

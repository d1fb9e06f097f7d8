// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** The bytes at a function's entry that a jump overwrites: where they are, and who may still want the old ones. */
final class JumpSite {
    /** {@code jmp rel32}. */
    static final int SIZE = 5;

    private static final int ENDBR64_SIZE = 4;

    private JumpSite() {}

    /** Offset of the jump from the function's start: behind an {@code endbr64}. */
    static int offset(final String function, final byte[] code) throws PatchRefusedException {
        final boolean endbr64 = code.length >= ENDBR64_SIZE
                && (code[0] & 0xff) == 0xf3
                && code[1] == 0x0f
                && code[2] == 0x1e
                && (code[3] & 0xff) == 0xfa;
        final int offset = endbr64 ? ENDBR64_SIZE : 0;
        if (code.length < offset + SIZE) {
            throw new PatchRefusedException(Refusal.FUNCTION_TOO_SHORT, function, code.length + " bytes");
        }
        return offset;
    }

    /**
     * Rule 5: why a thread may not stay in this function while its entry is overwritten; null if it may. It may not if
     * a branch, a jump table or a return leads into the overwritten bytes.
     *
     * @param places where places in the object's function are in the running one
     * @param parts the function's running code by link-time address: itself and its cold part
     */
    static @Nullable String whyNotExcludable(
            final ObjectFile object,
            final Code code,
            final LongUnaryOperator places,
            final long site,
            final Map<Long, byte[]> parts)
            throws ElfFormatException {
        for (final Map.Entry<Long, byte[]> part : parts.entrySet()) {
            final List<Instruction> instructions;
            try {
                instructions = InstructionDecoder.decode(part.getValue());
            } catch (final InstructionDecoder.UnknownInstructionException e) {
                return "an instruction that is not understood at offset " + e.offset();
            }
            for (final Instruction instruction : instructions) {
                final long target = part.getKey() + instruction.target();
                if (instruction.isTransfer() && target >= site && target < site + SIZE) {
                    return "a branch leads into its first instructions";
                }
                final long next = part.getKey() + instruction.end();
                if (instruction.isCall() && next > site && next < site + SIZE) {
                    return "a call returns into its first instructions";
                }
            }
        }
        final long offset = site - parts.keySet().iterator().next();
        return hasTableEntry(object, code, places, offset) ? "a jump table leads into its first instructions" : null;
    }

    private static boolean hasTableEntry(
            final ObjectFile object, final Code code, final LongUnaryOperator places, final long site)
            throws ElfFormatException {
        for (final ElfSection section : object.elf().sections()) {
            if (!section.has(Elf.SHF_ALLOC)
                    || section.isCode()
                    || section.name().equals(".eh_frame")) {
                continue;
            }
            final NavigableSet<Long> starts = new TreeSet<>();
            for (final ElfRelocation relocation : object.relocations(section)) {
                if (!(object.place(relocation, 0) instanceof Place.Named(final ElfSymbol symbol, final long offset))
                        || symbol.section() != code.section().index()) {
                    continue;
                }
                if (starts.isEmpty()) {
                    starts.addAll(tableStarts(object, section));
                }
                final Long start = starts.floor(relocation.offset());
                final long label = relocation.type() == Elf.R_X86_64_PC32 && start != null
                        ? offset - (relocation.offset() - start)
                        : offset;
                final boolean isPointer = relocation.type() == Elf.R_X86_64_64 && label == 0;
                final long place = places.applyAsLong(label);
                if (!isPointer && place >= site && place < site + SIZE) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Where code refers into a section: the starts of its tables. */
    private static NavigableSet<Long> tableStarts(final ObjectFile object, final ElfSection section) {
        final NavigableSet<Long> starts = new TreeSet<>();
        for (final Code code : object.functions().values()) {
            for (final ElfRelocation relocation : code.relocations()) {
                final ElfSymbol symbol = relocation.symbol();
                if (symbol.isDefined() && symbol.section() == section.index()) {
                    starts.add(symbol.value() + relocation.addend() + code.bias(relocation));
                }
            }
        }
        return starts;
    }
}

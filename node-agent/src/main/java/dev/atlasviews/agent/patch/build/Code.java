// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.ColdParts;
import java.util.List;

/**
 * A function of an object file.
 *
 * @param bytes its code, fields of relocations zero
 * @param relocations in ascending order, offsets from the function's start
 * @param instructions the decoded code
 */
@SuppressWarnings("ArrayRecordComponent") // compared piece by piece
record Code(
        ElfSymbol symbol,
        ElfSection section,
        byte[] bytes,
        List<ElfRelocation> relocations,
        List<Instruction> instructions) {
    String name() {
        return symbol.name();
    }

    /** Whether this is the part of a function that the compiler moved out of the way, not a function by itself. */
    boolean isColdPart() {
        return ColdParts.isOne(name());
    }

    /** The function that this code belongs to. */
    String family() {
        return ColdParts.function(name());
    }

    /** The instruction that contains the byte at an offset. */
    Instruction instructionAt(final long offset) {
        int low = 0;
        int high = instructions.size() - 1;
        while (low < high) {
            final int middle = (low + high + 1) >>> 1;
            if (instructions.get(middle).start() <= offset) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return instructions.get(low);
    }

    /**
     * What has to be added to a relocation's addend to get the offset that is meant: a relative operand counts from the
     * end of its instruction, the relocation from its own field.
     */
    long bias(final ElfRelocation relocation) {
        return Relocations.isRelative(relocation.type())
                ? instructionAt(relocation.offset()).end() - relocation.offset()
                : 0;
    }
}

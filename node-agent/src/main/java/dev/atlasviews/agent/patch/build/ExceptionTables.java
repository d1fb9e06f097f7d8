// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Rule 8: exceptions find their way by unwind tables, and those of patch code are not registered inside the target. So
 * code with handlers of its own is refused, and all code of a program that can throw: what calls C code may throw
 * through it.
 */
final class ExceptionTables {
    private ExceptionTables() {}

    static void refuse(final TargetProgram target, final ObjectFile object, final Code code)
            throws ElfFormatException, PatchRefusedException {
        final Optional<String> thrower = target.exceptionSymbol();
        if (thrower.isPresent()) {
            throw new PatchRefusedException(
                    Refusal.EXCEPTIONS,
                    code.family(),
                    "exceptions of " + target.name() + " may pass through it: " + thrower.get());
        }
        for (final ElfSection section : object.elf().sections()) {
            if (section.name().equals(".eh_frame") && hasHandler(object, section, code)) {
                throw new PatchRefusedException(Refusal.EXCEPTIONS, code.family(), object.unit());
            }
        }
    }

    /** In a relocatable file an FDE has one relocation, its function's address, unless it names a handler table. */
    private static boolean hasHandler(final ObjectFile object, final ElfSection section, final Code code)
            throws ElfFormatException {
        final ByteBuffer frames =
                ByteBuffer.wrap(object.slice(section, 0, section.size())).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        while (at + 8 <= frames.limit()) {
            final long length = frames.getInt(at) & 0xffff_ffffL;
            final long end = at + 4 + length;
            if (length == 0 || end > frames.limit()) {
                break;
            }
            final boolean description = frames.getInt(at + 4) != 0;
            final int start = at;
            final Optional<ElfSymbol> function = object.relocations(section).stream()
                    .filter(relocation -> relocation.offset() == start + 8)
                    .map(ElfRelocation::symbol)
                    .findFirst();
            final long references = object.relocations(section).stream()
                    .filter(relocation -> relocation.offset() >= start && relocation.offset() < end)
                    .count();
            if (description
                    && references > 1
                    && function.isPresent()
                    && function.get().section() == code.section().index()) {
                return true;
            }
            at = (int) end;
        }
        return false;
    }
}

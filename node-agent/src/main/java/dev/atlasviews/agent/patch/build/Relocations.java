// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;

/** What the relocation types of the x86-64 psABI have in common. */
final class Relocations {
    private Relocations() {}

    /** Whether the field counts from its own address. */
    static boolean isRelative(final int type) {
        return switch (type) {
            case Elf.R_X86_64_PC32, Elf.R_X86_64_PLT32, Elf.R_X86_64_PC64, Elf.R_X86_64_TLSGD, Elf.R_X86_64_TLSLD ->
                true;
            default -> isGotSlot(type) || type == Elf.R_X86_64_GOTTPOFF;
        };
    }

    /** Whether the field refers to a slot that holds the symbol's address. */
    static boolean isGotSlot(final int type) {
        return switch (type) {
            case Elf.R_X86_64_GOTPCREL, Elf.R_X86_64_GOTPCRELX, Elf.R_X86_64_REX_GOTPCRELX -> true;
            default -> false;
        };
    }

    /** Width of the field in bytes. */
    static int width(final int type) {
        return type == Elf.R_X86_64_64 || type == Elf.R_X86_64_PC64 ? 8 : 4;
    }
}

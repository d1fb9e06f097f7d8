// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/**
 * A symbol.
 *
 * @param value an offset in the section (relocatable files) or a link-time address
 * @param section number of its section, or one of the reserved numbers
 * @param visibility how far others see one that is not local
 */
public record ElfSymbol(
        int index, String name, long value, long size, int binding, int type, int section, int visibility) {
    /** Whether it has a place in a section of this file. */
    public boolean isDefined() {
        return section != Elf.SHN_UNDEF && section != Elf.SHN_ABS && section != Elf.SHN_COMMON;
    }

    /** Whether only its own file sees it. */
    public boolean isLocal() {
        return binding == Elf.STB_LOCAL;
    }

    /** Whether it names code. */
    public boolean isFunction() {
        return type == Elf.STT_FUNC || type == Elf.STT_GNU_IFUNC;
    }
}

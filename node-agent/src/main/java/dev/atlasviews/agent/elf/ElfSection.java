// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/** A section header; sizes and offsets in bytes. */
public record ElfSection(
        int index,
        String name,
        int type,
        long flags,
        long address,
        long offset,
        long size,
        int link,
        int info,
        long alignment,
        long entrySize) {
    /** Whether all the given flags are set. */
    public boolean has(final long wanted) {
        return (flags & wanted) == wanted;
    }

    /** Whether the file holds content for it. */
    public boolean hasBits() {
        return type != Elf.SHT_NULL && type != Elf.SHT_NOBITS;
    }

    /** Whether the section holds instructions that are mapped. */
    public boolean isCode() {
        return has(Elf.SHF_ALLOC | Elf.SHF_EXECINSTR);
    }
}

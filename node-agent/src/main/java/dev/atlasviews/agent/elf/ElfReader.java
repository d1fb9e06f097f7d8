// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decodes the tables of an ELF file, trusting nothing in it. */
final class ElfReader {
    private static final int HEADER_SIZE = 64;
    private static final int SECTION_HEADER_SIZE = 64;
    private static final int SEGMENT_HEADER_SIZE = 56;
    private static final int SYMBOL_SIZE = 24;
    private static final int RELOCATION_SIZE = 24;
    private static final int MAX_SECTIONS = 1 << 20;
    /** Longer than any mangled name that a compiler makes. */
    private static final int MAX_NAME = 1 << 14;

    private final ByteBuffer file;
    private long nameBudget;

    ElfReader(final byte[] bytes) {
        file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        // Names may share their tails, so that they can be longer in sum than the tables: but not many times.
        nameBudget = 8L * bytes.length + MAX_NAME;
    }

    /** Checks the identification and returns the file's type. */
    int type() throws ElfFormatException {
        check(file.capacity() >= HEADER_SIZE && file.getInt(0) == Elf.MAGIC, "not an ELF file");
        check(file.get(4) == 2 && file.get(5) == 1 && file.get(6) == 1, "not a little-endian ELF64 file");
        check(u16(18) == Elf.EM_X86_64, "not for x86-64");
        final int type = u16(16);
        check(
                type == Elf.ET_REL || type == Elf.ET_EXEC || type == Elf.ET_DYN,
                "neither an object, a program nor a library");
        return type;
    }

    List<ElfSegment> segments() throws ElfFormatException {
        final int count = u16(56);
        if (count == 0) {
            return List.of();
        }
        check(u16(54) == SEGMENT_HEADER_SIZE, "program headers of an unknown size");
        final long table = file.getLong(32);
        inFile(table, (long) count * SEGMENT_HEADER_SIZE, "program headers");
        final List<ElfSegment> segments = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            final int at = (int) table + i * SEGMENT_HEADER_SIZE;
            final ElfSegment segment = new ElfSegment(
                    file.getInt(at),
                    file.getInt(at + 4),
                    file.getLong(at + 8),
                    file.getLong(at + 16),
                    file.getLong(at + 32),
                    file.getLong(at + 40),
                    file.getLong(at + 48));
            segments.add(segment);
        }
        return segments;
    }

    List<ElfSection> sections() throws ElfFormatException {
        final long table = file.getLong(40);
        if (table == 0) {
            return List.of();
        }
        check(u16(58) == SECTION_HEADER_SIZE, "section headers of an unknown size");
        inFile(table, SECTION_HEADER_SIZE, "section headers");
        final long count = u16(60) == 0 ? file.getLong((int) table + 32) : u16(60);
        check(count >= 0 && count <= MAX_SECTIONS, "too many sections");
        inFile(table, count * SECTION_HEADER_SIZE, "section headers");
        final int names = u16(62) == Elf.SHN_XINDEX ? file.getInt((int) table + 40) : u16(62);
        check(names >= 0 && names < count, "no section with the section names");
        final List<ElfSection> unnamed = new ArrayList<>((int) count);
        long total = 0;
        for (int i = 0; i < count; i++) {
            final ElfSection section = section(i, (int) table + i * SECTION_HEADER_SIZE);
            unnamed.add(section);
            if (section.hasBits()) {
                inFile(section.offset(), section.size(), "section " + i);
                total += section.size();
                // Contents that overlap would let a small file ask for endless work.
                check(total <= file.capacity(), "the sections overlap");
            }
        }
        final List<ElfSection> sections = new ArrayList<>((int) count);
        for (final ElfSection section : unnamed) {
            final int at = file.getInt((int) table + section.index() * SECTION_HEADER_SIZE);
            sections.add(withName(section, string(unnamed.get(names), at)));
        }
        return sections;
    }

    private ElfSection section(final int index, final int at) throws ElfFormatException {
        final int link = file.getInt(at + 40);
        final int info = file.getInt(at + 44);
        final long alignment = file.getLong(at + 48);
        check(
                alignment == 0 || Long.bitCount(alignment) == 1,
                "the alignment of section " + index + " is no power of 2");
        return new ElfSection(
                index,
                "",
                file.getInt(at + 4),
                file.getLong(at + 8),
                file.getLong(at + 16),
                file.getLong(at + 24),
                file.getLong(at + 32),
                link,
                info,
                alignment,
                file.getLong(at + 56));
    }

    private static ElfSection withName(final ElfSection section, final String name) {
        return new ElfSection(
                section.index(),
                name,
                section.type(),
                section.flags(),
                section.address(),
                section.offset(),
                section.size(),
                section.link(),
                section.info(),
                section.alignment(),
                section.entrySize());
    }

    List<ElfSymbol> symbols(final ElfSection table, final List<ElfSection> sections) throws ElfFormatException {
        if (!table.hasBits()) {
            return List.of();
        }
        final ElfSection names = linked(table, sections);
        final ElfSection indices = sections.stream()
                .filter(section -> section.type() == Elf.SHT_SYMTAB_SHNDX && section.link() == table.index())
                .findFirst()
                .orElse(null);
        final int count = (int) (table.size() / SYMBOL_SIZE);
        final List<ElfSymbol> symbols = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            final int at = (int) table.offset() + i * SYMBOL_SIZE;
            int section = u16(at + 6);
            if (section == Elf.SHN_XINDEX) {
                section = extendedIndex(indices, i);
            } else if (section >= Elf.SHN_LORESERVE && section != Elf.SHN_ABS && section != Elf.SHN_COMMON) {
                throw new ElfFormatException("symbol " + i + " has the reserved section number " + section);
            }
            check(
                    section >= 0 && (section < sections.size() || section == Elf.SHN_ABS || section == Elf.SHN_COMMON),
                    "symbol " + i + " is in no section");
            symbols.add(new ElfSymbol(
                    i,
                    string(names, file.getInt(at)),
                    file.getLong(at + 8),
                    file.getLong(at + 16),
                    (file.get(at + 4) >> 4) & 0xf,
                    file.get(at + 4) & 0xf,
                    section,
                    file.get(at + 5) & 3));
        }
        return symbols;
    }

    private int extendedIndex(final @Nullable ElfSection indices, final int symbol) throws ElfFormatException {
        if (indices == null || (symbol + 1) * 4L > indices.size()) {
            throw new ElfFormatException("symbol " + symbol + " lacks its section number");
        }
        return file.getInt((int) indices.offset() + symbol * 4);
    }

    List<ElfRelocation> relocations(final ElfSection table, final List<ElfSymbol> symbols) throws ElfFormatException {
        if (!table.hasBits()) {
            return List.of();
        }
        final int count = (int) (table.size() / RELOCATION_SIZE);
        final List<ElfRelocation> relocations = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            final int at = (int) table.offset() + i * RELOCATION_SIZE;
            final int symbol = file.getInt(at + 12);
            check(symbol >= 0 && symbol < symbols.size(), "relocation " + i + " of " + table.name() + " has no symbol");
            relocations.add(new ElfRelocation(
                    file.getLong(at), file.getInt(at + 8), symbols.get(symbol), file.getLong(at + 16)));
        }
        return relocations;
    }

    List<ElfNote> notes(final long offset, final long size, final long alignment) throws ElfFormatException {
        inFile(offset, size, "notes");
        final int round = alignment == 8 ? 8 : 4;
        final List<ElfNote> notes = new ArrayList<>();
        long at = offset;
        final long end = offset + size;
        while (end - at >= 12) {
            final long ownerSize = file.getInt((int) at) & 0xffff_ffffL;
            final long descriptorSize = file.getInt((int) at + 4) & 0xffff_ffffL;
            final int type = file.getInt((int) at + 8);
            final long descriptor = align(at + 12 + ownerSize, round);
            check(
                    ownerSize <= MAX_NAME && descriptor <= end && descriptorSize <= end - descriptor,
                    "a note that does not fit");
            final byte[] owner = new byte[(int) Math.max(0, ownerSize - 1)];
            file.get((int) at + 12, owner);
            final byte[] content = new byte[(int) descriptorSize];
            file.get((int) descriptor, content);
            notes.add(new ElfNote(new String(owner, StandardCharsets.UTF_8), type, content));
            at = align(descriptor + descriptorSize, round);
        }
        return notes;
    }

    private ElfSection linked(final ElfSection table, final List<ElfSection> sections) throws ElfFormatException {
        check(table.link() > 0 && table.link() < sections.size(), table.name() + " has no names");
        return sections.get(table.link());
    }

    private String string(final ElfSection table, final int offset) throws ElfFormatException {
        check(
                table.type() == Elf.SHT_STRTAB && offset >= 0 && (offset < table.size() || offset == 0),
                "a name outside of its table");
        final int start = (int) table.offset() + offset;
        final int limit = (int) Math.min(table.offset() + table.size(), (long) start + MAX_NAME);
        int end = start;
        while (end < limit && file.get(end) != 0) {
            end++;
        }
        check(end < limit || table.size() == 0, "a name without end");
        nameBudget -= end - start;
        check(nameBudget >= 0, "more names than the file can hold");
        return new String(file.array(), start, end - start, StandardCharsets.UTF_8);
    }

    private int u16(final int at) {
        return file.getShort(at) & 0xffff;
    }

    private void inFile(final long offset, final long size, final String what) throws ElfFormatException {
        check(offset >= 0 && size >= 0 && offset <= file.capacity() - size, what + " outside of the file");
    }

    private static long align(final long value, final long alignment) {
        return (value + alignment - 1) & -alignment;
    }

    private static void check(final boolean holds, final String message) throws ElfFormatException {
        if (!holds) {
            throw new ElfFormatException(message);
        }
    }
}

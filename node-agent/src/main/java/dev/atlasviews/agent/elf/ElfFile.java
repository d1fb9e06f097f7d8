// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** An ELF64 file for x86-64, held in memory. */
public final class ElfFile {
    /** The largest file that is read unless the caller says otherwise, in bytes. */
    public static final int DEFAULT_LIMIT = 1 << 30;

    private static final int NT_GNU_BUILD_ID = 3;

    private final byte[] bytes;
    private final ElfReader reader;
    private final int type;
    private final List<ElfSegment> segments;
    private final List<ElfSection> sections;
    private final List<ElfSymbol> symbols;
    private final List<ElfSymbol> dynamicSymbols;

    private ElfFile(final byte[] bytes) throws ElfFormatException {
        this.bytes = bytes;
        reader = new ElfReader(bytes);
        type = reader.type();
        segments = List.copyOf(reader.segments());
        sections = List.copyOf(reader.sections());
        symbols = List.copyOf(symbolTable(Elf.SHT_SYMTAB));
        dynamicSymbols = List.copyOf(symbolTable(Elf.SHT_DYNSYM));
    }

    /** Reads a file of at most {@link #DEFAULT_LIMIT} bytes. */
    public static ElfFile read(final Path path) throws IOException {
        return read(path, DEFAULT_LIMIT);
    }

    /**
     * Reads a file.
     *
     * @param limit the most bytes to accept
     * @throws ElfFormatException if it is larger or not an ELF file; the message begins with the path
     */
    public static ElfFile read(final Path path, final int limit) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            final byte[] content = in.readNBytes(limit);
            if (content.length == limit && in.read() >= 0) {
                throw new ElfFormatException(path + ": larger than " + limit + " bytes");
            }
            return new ElfFile(content);
        } catch (final ElfFormatException e) {
            throw new ElfFormatException(path + ": " + e.getMessage());
        }
    }

    /** Decodes a file's content, which is not copied and not to be modified. */
    public static ElfFile parse(final byte[] content) throws ElfFormatException {
        return new ElfFile(content);
    }

    /** {@link Elf#ET_REL}, {@link Elf#ET_EXEC} or {@link Elf#ET_DYN}. */
    public int type() {
        return type;
    }

    /** The program headers. */
    public List<ElfSegment> segments() {
        return segments;
    }

    /** The sections, by number; the first is the null section. */
    public List<ElfSection> sections() {
        return sections;
    }

    /** The first section with this name. */
    public Optional<ElfSection> section(final String name) {
        return sections.stream().filter(section -> section.name().equals(name)).findFirst();
    }

    /** The symbol table, by number; empty in a stripped file. */
    public List<ElfSymbol> symbols() {
        return symbols;
    }

    /** The dynamic symbol table, by number. */
    public List<ElfSymbol> dynamicSymbols() {
        return dynamicSymbols;
    }

    /** A copy of a section's content; none for sections without bits. */
    public byte[] content(final ElfSection section) {
        if (!section.hasBits()) {
            return new byte[0];
        }
        return Arrays.copyOfRange(bytes, (int) section.offset(), (int) (section.offset() + section.size()));
    }

    /** The relocations of a relocatable file that apply to a section. */
    public List<ElfRelocation> relocations(final ElfSection section) throws ElfFormatException {
        final List<ElfRelocation> relocations = new ArrayList<>();
        for (final ElfSection table : sections) {
            if (table.type() == Elf.SHT_RELA && table.info() == section.index()) {
                relocations.addAll(reader.relocations(table, symbols));
            }
        }
        return relocations;
    }

    /** The relocations that the dynamic loader applies. */
    public List<ElfRelocation> dynamicRelocations() throws ElfFormatException {
        final List<ElfRelocation> relocations = new ArrayList<>();
        for (final ElfSection table : sections) {
            if (table.type() == Elf.SHT_RELA
                    && table.has(Elf.SHF_ALLOC)
                    && table.link() > 0
                    && table.link() < sections.size()
                    && sections.get(table.link()).type() == Elf.SHT_DYNSYM) {
                relocations.addAll(reader.relocations(table, dynamicSymbols));
            }
        }
        return relocations;
    }

    /** The bytes that the file maps at a link-time address; empty if it does not hold all of them. */
    public Optional<byte[]> bytesAt(final long address, final long size) {
        return segments.stream()
                .filter(segment -> segment.type() == Elf.PT_LOAD && segment.holds(address, size))
                .mapToLong(segment -> segment.offset() + (address - segment.address()))
                .filter(offset -> offset >= 0 && offset <= bytes.length - size)
                .mapToObj(offset -> Arrays.copyOfRange(bytes, (int) offset, (int) (offset + size)))
                .findFirst();
    }

    /** All notes: of the segments, or of the sections where there are no segments. */
    public List<ElfNote> notes() throws ElfFormatException {
        final List<ElfNote> notes = new ArrayList<>();
        long total = 0;
        for (final ElfSegment segment : segments) {
            if (segment.type() == Elf.PT_NOTE && segment.fileSize() > 0) {
                total += segment.fileSize();
                if (total > bytes.length) {
                    throw new ElfFormatException("the notes overlap");
                }
                notes.addAll(reader.notes(segment.offset(), segment.fileSize(), segment.alignment()));
            }
        }
        if (segments.isEmpty()) {
            for (final ElfSection section : sections) {
                if (section.type() == Elf.SHT_NOTE) {
                    notes.addAll(reader.notes(section.offset(), section.size(), section.alignment()));
                }
            }
        }
        return notes;
    }

    /** The build-id, lower-case hexadecimal. */
    public Optional<String> buildId() throws ElfFormatException {
        return notes().stream()
                .filter(note -> note.owner().equals("GNU") && note.type() == NT_GNU_BUILD_ID)
                .map(note -> HexFormat.of().formatHex(note.descriptor()))
                .findFirst();
    }

    private List<ElfSymbol> symbolTable(final int wanted) throws ElfFormatException {
        for (final ElfSection section : sections) {
            if (section.type() == wanted) {
                return reader.symbols(section, sections);
            }
        }
        return List.of();
    }
}

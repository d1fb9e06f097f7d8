// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes relocatable ELF64 files for x86-64. The same calls in the same order give the same bytes. */
public final class ElfWriter {
    private static final int HEADER_SIZE = 64;
    private static final int SYMBOL_SIZE = 24;
    private static final int RELOCATION_SIZE = 24;

    private final List<Section> sections = new ArrayList<>();
    private final Map<String, Integer> symbolNumbers = new LinkedHashMap<>();
    private final List<Symbol> symbols = new ArrayList<>();
    private final Map<Integer, ByteArrayOutputStream> relocations = new LinkedHashMap<>();
    private final Strings symbolNames = new Strings();

    /** Starts an empty file. */
    public ElfWriter() {
        sections.add(new Section("", 0, 0, 0, 0, 0, 0, new byte[0]));
        symbols.add(new Symbol(0, 0, 0, 0, 0));
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Section(
            String name, int type, long flags, int link, int info, long alignment, long entrySize, byte[] content) {}

    private record Symbol(int name, int info, int section, long value, long size) {}

    private record Strings(ByteArrayOutputStream bytes, Map<String, Integer> offsets) {
        Strings() {
            this(new ByteArrayOutputStream(), new LinkedHashMap<>());
            add("");
        }

        int add(final String string) {
            return offsets.computeIfAbsent(string, key -> {
                final int offset = bytes.size();
                bytes.writeBytes(key.getBytes(StandardCharsets.UTF_8));
                bytes.write(0);
                return offset;
            });
        }
    }

    /** Adds a section with bits; returns its number. */
    public int section(final String name, final long flags, final long alignment, final byte[] content) {
        return section(new Section(name, Elf.SHT_PROGBITS, flags, 0, 0, alignment, 0, content));
    }

    private int section(final Section section) {
        sections.add(section);
        return sections.size() - 1;
    }

    /** Adds a section with one note. */
    public void note(final String name, final String owner, final int type, final byte[] descriptor) {
        final byte[] ownerBytes = (owner + "\0").getBytes(StandardCharsets.UTF_8);
        final byte[] content = new byte[12 + align(ownerBytes.length, 4) + align(descriptor.length, 4)];
        final ByteBuffer note = little(content);
        note.putInt(ownerBytes.length).putInt(descriptor.length).putInt(type);
        note.put(ownerBytes).position(12 + align(ownerBytes.length, 4)).put(descriptor);
        section(new Section(name, Elf.SHT_NOTE, 0, 0, 0, 4, 0, content));
    }

    /** Adds a local symbol; names may repeat. Returns its number. */
    public int symbol(final String name, final int type, final int section, final long value, final long size) {
        symbols.add(new Symbol(symbolNames.add(name), type, section, value, size));
        return symbols.size() - 1;
    }

    /** The number of a section's own symbol. */
    public int sectionSymbol(final int section) {
        return once("section " + section, new Symbol(0, Elf.STT_SECTION, section, 0, 0));
    }

    /** The number of a symbol with a fixed value. */
    public int absoluteSymbol(final String name, final long value) {
        return once("absolute " + value + " " + name, new Symbol(symbolNames.add(name), 0, Elf.SHN_ABS, value, 0));
    }

    /** The number of a symbol that another file defines. */
    public int undefinedSymbol(final String name) {
        return once("undefined " + name, new Symbol(symbolNames.add(name), Elf.STB_GLOBAL << 4, Elf.SHN_UNDEF, 0, 0));
    }

    private int once(final String key, final Symbol symbol) {
        return symbolNumbers.computeIfAbsent(key, _ -> {
            symbols.add(symbol);
            return symbols.size() - 1;
        });
    }

    /** Adds a relocation of a section. */
    public void relocation(final int section, final long offset, final int type, final int symbol, final long addend) {
        final byte[] entry = new byte[RELOCATION_SIZE];
        little(entry).putLong(offset).putInt(type).putInt(symbol).putLong(addend);
        relocations.computeIfAbsent(section, key -> new ByteArrayOutputStream()).writeBytes(entry);
    }

    /** Lays the file out. */
    public byte[] finish() {
        final int[] numbers = localsFirst();
        final int symbolTable = sections.size() + relocations.size();
        relocations.forEach((section, entries) -> {
            final byte[] content = entries.toByteArray();
            final ByteBuffer buffer = little(content);
            for (int at = 12; at < content.length; at += RELOCATION_SIZE) {
                buffer.putInt(at, numbers[buffer.getInt(at)]);
            }
            section(new Section(
                    ".rela" + sections.get(section).name(),
                    Elf.SHT_RELA,
                    Elf.SHF_INFO_LINK,
                    symbolTable,
                    section,
                    8,
                    RELOCATION_SIZE,
                    content));
        });
        section(new Section(
                ".symtab",
                Elf.SHT_SYMTAB,
                0,
                symbolTable + 1,
                (int) symbols.stream().filter(ElfWriter::isLocal).count(),
                8,
                SYMBOL_SIZE,
                symbolTable(numbers)));
        section(new Section(
                ".strtab", Elf.SHT_STRTAB, 0, 0, 0, 1, 0, symbolNames.bytes().toByteArray()));
        return layOut();
    }

    private static boolean isLocal(final Symbol symbol) {
        return symbol.info() >> 4 == Elf.STB_LOCAL;
    }

    /** The format wants local symbols before all others: the final number of each symbol. */
    private int[] localsFirst() {
        final int[] numbers = new int[symbols.size()];
        int next = 0;
        for (int i = 0; i < numbers.length; i++) {
            if (isLocal(symbols.get(i))) {
                numbers[i] = next++;
            }
        }
        for (int i = 0; i < numbers.length; i++) {
            if (!isLocal(symbols.get(i))) {
                numbers[i] = next++;
            }
        }
        return numbers;
    }

    private byte[] symbolTable(final int[] numbers) {
        final byte[] content = new byte[symbols.size() * SYMBOL_SIZE];
        final ByteBuffer table = little(content);
        for (int i = 0; i < numbers.length; i++) {
            final Symbol symbol = symbols.get(i);
            table.position(numbers[i] * SYMBOL_SIZE);
            table.putInt(symbol.name()).put((byte) symbol.info()).put((byte) 0);
            table.putShort((short) symbol.section()).putLong(symbol.value()).putLong(symbol.size());
        }
        return content;
    }

    private byte[] layOut() {
        final Strings names = new Strings();
        sections.forEach(section -> names.add(section.name()));
        names.add(".shstrtab");
        section(new Section(
                ".shstrtab", Elf.SHT_STRTAB, 0, 0, 0, 1, 0, names.bytes().toByteArray()));
        final int[] offsets = new int[sections.size()];
        int end = HEADER_SIZE;
        for (int i = 1; i < offsets.length; i++) {
            offsets[i] = align(end, (int) sections.get(i).alignment());
            end = offsets[i] + sections.get(i).content().length;
        }
        final int table = align(end, 8);
        final byte[] content = new byte[table + sections.size() * HEADER_SIZE];
        final ByteBuffer file = little(content);
        file.putInt(Elf.MAGIC).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
        file.putShort((short) Elf.ET_REL).putShort((short) Elf.EM_X86_64).putInt(1);
        file.putLong(0).putLong(0).putLong(table).putInt(0);
        file.putShort((short) HEADER_SIZE).putShort((short) 0).putShort((short) 0);
        file.putShort((short) HEADER_SIZE).putShort((short) sections.size());
        file.putShort((short) (sections.size() - 1));
        for (int i = 1; i < offsets.length; i++) {
            final Section section = sections.get(i);
            file.position(offsets[i]).put(section.content());
            file.position(table + i * HEADER_SIZE);
            file.putInt(names.add(section.name())).putInt(section.type()).putLong(section.flags());
            file.putLong(0).putLong(offsets[i]).putLong(section.content().length);
            file.putInt(section.link()).putInt(section.info());
            file.putLong(section.alignment()).putLong(section.entrySize());
        }
        return content;
    }

    private static ByteBuffer little(final byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int align(final int value, final int alignment) {
        return (value + alignment - 1) & -alignment;
    }
}

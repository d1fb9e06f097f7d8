// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The entries of {@code .debug_info} of an object file, as far as types and the places of variables need them.
 *
 * <p>Source: DWARF 5, chapter 7 (versions 4 and 5 are read).
 */
final class DebugInformation {
    static final int TAG_ARRAY = 0x01;
    static final int TAG_CLASS = 0x02;
    static final int TAG_ENUMERATION = 0x04;
    static final int TAG_PARAMETER = 0x05;
    static final int TAG_MEMBER = 0x0d;
    static final int TAG_POINTER = 0x0f;
    static final int TAG_REFERENCE = 0x10;
    static final int TAG_COMPILE_UNIT = 0x11;
    static final int TAG_STRUCTURE = 0x13;
    static final int TAG_SUBROUTINE = 0x15;
    static final int TAG_TYPEDEF = 0x16;
    static final int TAG_UNION = 0x17;
    static final int TAG_MORE_PARAMETERS = 0x18;
    static final int TAG_INHERITANCE = 0x1c;
    static final int TAG_INLINED_SUBROUTINE = 0x1d;
    static final int TAG_SUBRANGE = 0x21;
    static final int TAG_CONST = 0x26;
    static final int TAG_ENUMERATOR = 0x28;
    static final int TAG_SUBPROGRAM = 0x2e;
    static final int TAG_VARIABLE = 0x34;
    static final int TAG_VOLATILE = 0x35;
    static final int TAG_RESTRICT = 0x37;
    static final int TAG_NAMESPACE = 0x39;
    static final int TAG_RVALUE_REFERENCE = 0x42;
    static final int TAG_ATOMIC = 0x47;

    private static final int AT_LOCATION = 0x02;
    static final int AT_NAME = 0x03;
    static final int AT_BYTE_SIZE = 0x0b;
    static final int AT_BIT_OFFSET = 0x0c;
    static final int AT_BIT_SIZE = 0x0d;
    static final int AT_LANGUAGE = 0x13;
    static final int AT_CONST_VALUE = 0x1c;
    static final int AT_PROTOTYPED = 0x27;
    static final int AT_UPPER_BOUND = 0x2f;
    private static final int AT_ABSTRACT_ORIGIN = 0x31;
    static final int AT_COUNT = 0x37;
    static final int AT_MEMBER_LOCATION = 0x38;
    static final int AT_DECLARATION = 0x3c;
    static final int AT_ENCODING = 0x3e;
    private static final int AT_SPECIFICATION = 0x47;
    static final int AT_TYPE = 0x49;
    static final int AT_DATA_BIT_OFFSET = 0x6b;
    private static final int AT_LINKAGE_NAME = 0x6e;
    private static final int AT_STR_OFFSETS_BASE = 0x72;

    private static final byte OP_ADDR = 0x03;
    private static final byte OP_CONST8U = 0x0e;

    /** A reference to something that is told of in another section or file. */
    private static final long ELSEWHERE = -1;

    private static final long SHF_COMPRESSED = 0x800;
    private static final int MAX_DEPTH = 512;

    private final ByteBuffer info;
    private final ByteBuffer abbreviations;
    private final ByteBuffer strings;
    private final ByteBuffer lineStrings;
    private final ByteBuffer stringOffsets;
    private final Map<Long, ElfRelocation> infoRelocations;
    private final Map<Long, ElfRelocation> stringOffsetRelocations;
    private final Map<Long, Entry> byOffset = new HashMap<>();
    private final List<Entry> units = new ArrayList<>();

    private long unitStart;
    private int version;
    private int addressSize;
    private long stringOffsetsBase;

    /** An entry: what it is, what is known about it, and what lies in it. */
    static final class Entry {
        private final int tag;
        private final Map<Integer, Object> attributes = new HashMap<>();
        private final List<Entry> children = new ArrayList<>();

        private Entry(final int tag) {
            this.tag = tag;
        }

        int tag() {
            return tag;
        }

        List<Entry> children() {
            return children;
        }

        String name() {
            return text(AT_NAME);
        }

        private String text(final int attribute) {
            return attributes.get(attribute) instanceof final String text ? text : "";
        }

        OptionalLong number(final int attribute) {
            return attributes.get(attribute) instanceof final Long value
                    ? OptionalLong.of(value)
                    : OptionalLong.empty();
        }

        /** The relocation that gives a variable's address, or its place among the thread-local ones; empty if it has none. */
        Optional<ElfRelocation> location() {
            return attributes.get(AT_LOCATION) instanceof final ElfRelocation address
                    ? Optional.of(address)
                    : Optional.empty();
        }
    }

    private record Attribute(int name, int form, long constant) {}

    private record Abbreviation(int tag, boolean hasChildren, List<Attribute> attributes) {}

    private DebugInformation(final ElfFile elf, final ElfSection section) throws ElfFormatException {
        info = content(elf, section);
        infoRelocations = relocations(elf, section);
        abbreviations = content(elf, elf.section(".debug_abbrev").orElse(null));
        strings = content(elf, elf.section(".debug_str").orElse(null));
        lineStrings = content(elf, elf.section(".debug_line_str").orElse(null));
        final ElfSection offsets = elf.section(".debug_str_offsets").orElse(null);
        stringOffsets = content(elf, offsets);
        stringOffsetRelocations = offsets == null ? Map.of() : relocations(elf, offsets);
    }

    /** Reads what an object has; null if it has none that can be read. */
    static @Nullable DebugInformation of(final ElfFile elf) throws ElfFormatException {
        final ElfSection section = elf.section(".debug_info").orElse(null);
        if (section == null || section.has(SHF_COMPRESSED)) {
            return null;
        }
        final DebugInformation information = new DebugInformation(elf, section);
        try {
            // C++ has sections for types of more than one unit: the first is as good as the others.
            while (information.info.remaining() >= 12) {
                information.readUnit();
            }
        } catch (final BufferUnderflowException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException e) {
            throw (ElfFormatException) new ElfFormatException("damaged debug information").initCause(e);
        }
        return information.units.isEmpty() ? null : information;
    }

    private static ByteBuffer content(final ElfFile elf, final @Nullable ElfSection section) {
        return ByteBuffer.wrap(section == null || section.has(SHF_COMPRESSED) ? new byte[0] : elf.content(section))
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Map<Long, ElfRelocation> relocations(final ElfFile elf, final ElfSection section)
            throws ElfFormatException {
        final Map<Long, ElfRelocation> relocations = new HashMap<>();
        for (final ElfRelocation relocation : elf.relocations(section)) {
            relocations.put(relocation.offset(), relocation);
        }
        return relocations;
    }

    /** A field's value: as its relocation says, or as it stands there. */
    private static long relocated(final @Nullable ElfRelocation relocation, final int field) {
        return relocation == null ? field & 0xffff_ffffL : relocation.symbol().value() + relocation.addend();
    }

    /** The units' own entries. */
    List<Entry> units() {
        return units;
    }

    /** The entry of a type that another refers to; null for {@code void}, and for what is in another file. */
    @Nullable
    Entry typeOf(final Entry entry) {
        final OptionalLong reference = entry.number(AT_TYPE);
        return reference.isEmpty() ? null : byOffset.get(reference.getAsLong());
    }

    /** Whether something is said to have a type, known or not. */
    static boolean hasType(final Entry entry) {
        return entry.number(AT_TYPE).isPresent();
    }

    /** What an entry completes: its declaration, or the function that was copied into another; itself if it is that. */
    Entry origin(final Entry entry) {
        Entry at = entry;
        for (int steps = 0; steps < MAX_DEPTH; steps++) {
            final Entry next = completed(at);
            if (next == null) {
                break;
            }
            at = next;
        }
        return at;
    }

    private @Nullable Entry completed(final Entry entry) {
        final OptionalLong origin = entry.number(AT_ABSTRACT_ORIGIN);
        final OptionalLong other = origin.isPresent() ? origin : entry.number(AT_SPECIFICATION);
        return other.isPresent() ? byOffset.get(other.getAsLong()) : null;
    }

    /** The name of a function, which may stand with its declaration or with the function that was copied into another. */
    String functionName(final Entry function) {
        return text(function, AT_NAME);
    }

    /** The name that a function has for the linker. */
    String linkageName(final Entry function) {
        final String mangled = text(function, AT_LINKAGE_NAME);
        return mangled.isEmpty() ? functionName(function) : mangled;
    }

    private String text(final Entry function, final int attribute) {
        Entry at = function;
        for (int steps = 0; at.text(attribute).isEmpty() && steps < MAX_DEPTH; steps++) {
            final Entry next = completed(at);
            if (next == null) {
                break;
            }
            at = next;
        }
        return at.text(attribute);
    }

    private void readUnit() {
        unitStart = info.position();
        final long length = info.getInt() & 0xffff_ffffL;
        final int end = Math.toIntExact(info.position() + length);
        version = info.getShort();
        final int kind;
        final int table;
        if (version >= 5) {
            kind = info.get();
            addressSize = info.get();
            table = offset();
        } else {
            kind = 1;
            table = offset();
            addressSize = info.get();
        }
        if ((version == 4 || version == 5) && kind == 1) {
            stringOffsetsBase = 8;
            readEntries(end, abbreviationsAt(table));
        }
        info.position(end);
    }

    private Map<Long, Abbreviation> abbreviationsAt(final int start) {
        final Map<Long, Abbreviation> table = new HashMap<>();
        abbreviations.position(start);
        for (long code = unsigned(abbreviations); code != 0; code = unsigned(abbreviations)) {
            final int tag = (int) unsigned(abbreviations);
            final boolean children = abbreviations.get() != 0;
            final List<Attribute> attributes = new ArrayList<>();
            while (true) {
                final int name = (int) unsigned(abbreviations);
                final int form = (int) unsigned(abbreviations);
                final long constant = form == 0x21 ? signed(abbreviations) : 0;
                if (name == 0 && form == 0) {
                    break;
                }
                attributes.add(new Attribute(name, form, constant));
            }
            table.put(code, new Abbreviation(tag, children, attributes));
        }
        return table;
    }

    private void readEntries(final int end, final Map<Long, Abbreviation> table) {
        final Deque<Entry> open = new ArrayDeque<>();
        while (info.position() < end) {
            final long at = info.position();
            final long code = unsigned(info);
            if (code == 0) {
                open.poll();
                continue;
            }
            final Abbreviation abbreviation = table.get(code);
            if (abbreviation == null || open.size() > MAX_DEPTH) {
                throw new IllegalArgumentException("entry at " + at);
            }
            final Entry entry = new Entry(abbreviation.tag());
            for (final Attribute attribute : abbreviation.attributes()) {
                final Object value = value(attribute.form(), attribute.constant());
                if (value != null) {
                    entry.attributes.put(attribute.name(), value);
                }
            }
            entry.number(AT_STR_OFFSETS_BASE).ifPresent(base -> stringOffsetsBase = base);
            byOffset.put(at, entry);
            (open.isEmpty() ? units : open.getFirst().children).add(entry);
            if (abbreviation.hasChildren()) {
                open.push(entry);
            }
        }
    }

    /** The value of a field, or null where nobody needs it. */
    private @Nullable Object value(final int form, final long constant) {
        return switch (form) {
            case 0x01 -> skip(addressSize);
            case 0x0b, 0x11, 0x0c -> {
                final long value = info.get() & 0xff;
                yield form == 0x11 ? unitStart + value : value;
            }
            case 0x05 -> (long) info.getShort() & 0xffff;
            case 0x12 -> unitStart + (info.getShort() & 0xffff);
            case 0x06 -> (long) info.getInt();
            case 0x13 -> unitStart + (info.getInt() & 0xffff_ffffL);
            case 0x07 -> info.getLong();
            case 0x14 -> unitStart + info.getLong();
            case 0x0f -> unsigned(info);
            case 0x0d -> signed(info);
            case 0x15 -> unitStart + unsigned(info);
            case 0x19 -> 1L;
            case 0x21 -> constant;
            case 0x08 -> string(info, info.position(), true);
            case 0x0e -> string(strings, offset(), false);
            case 0x1f -> string(lineStrings, offset(), false);
            case 0x1a -> indexed(unsigned(info));
            case 0x25 -> indexed(info.get() & 0xff);
            case 0x26 -> indexed(info.getShort() & 0xffff);
            case 0x28 -> indexed(info.getInt());
            case 0x17 -> (long) offset();
            case 0x10 -> (long) offset();
            case 0x03 -> skip(info.getShort() & 0xffff);
            case 0x04 -> skip(info.getInt());
            case 0x09 -> skip(Math.toIntExact(unsigned(info)));
            case 0x18 -> expression(Math.toIntExact(unsigned(info)));
            case 0x0a -> skip(info.get() & 0xff);
            case 0x1e -> skip(16);
            case 0x20 -> {
                skip(Long.BYTES);
                yield ELSEWHERE;
            }
            case 0x1b, 0x22, 0x23 -> {
                unsigned(info);
                yield null;
            }
            case 0x29 -> skip(1);
            case 0x2a -> skip(2);
            case 0x2b -> skip(3);
            case 0x2c -> skip(4);
            default -> throw new IllegalArgumentException("form " + form);
        };
    }

    /** The relocation of an expression that is a variable's place; null for any other expression. */
    private @Nullable ElfRelocation expression(final int length) {
        final int start = info.position();
        skip(length);
        // An address, or a distance and an operation that makes an address of it for each thread.
        final boolean isPlace = (length == 1 + Long.BYTES && info.get(start) == OP_ADDR)
                || (length == 2 + Long.BYTES && info.get(start) == OP_CONST8U);
        return isPlace ? infoRelocations.get(start + 1L) : null;
    }

    private @Nullable Object skip(final int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a field of " + bytes + " bytes"); // would be read again and again
        }
        info.position(info.position() + bytes);
        return null;
    }

    /** A field with an offset in another section, which a relocation may give. */
    private int offset() {
        final long at = info.position();
        final int value = info.getInt();
        return Math.toIntExact(relocated(infoRelocations.get(at), value));
    }

    private String indexed(final long index) {
        final long at = stringOffsetsBase + index * Integer.BYTES;
        final long value = relocated(stringOffsetRelocations.get(at), stringOffsets.getInt(Math.toIntExact(at)));
        return string(strings, Math.toIntExact(value), false);
    }

    private static String string(final ByteBuffer from, final int start, final boolean advance) {
        int end = start;
        while (from.get(end) != 0) {
            end++;
        }
        if (advance) {
            from.position(end + 1);
        }
        return StandardCharsets.UTF_8.decode(from.slice(start, end - start)).toString();
    }

    private static long unsigned(final ByteBuffer from) {
        long value = 0;
        int shift = 0;
        byte next;
        do {
            next = from.get();
            value |= shift < 64 ? (next & 0x7fL) << shift : 0;
            shift += 7;
        } while (next < 0);
        return value;
    }

    private static long signed(final ByteBuffer from) {
        long value = 0;
        int shift = 0;
        byte next;
        do {
            next = from.get();
            value |= shift < 64 ? (next & 0x7fL) << shift : 0;
            shift += 7;
        } while (next < 0);
        return shift < 64 && (next & 0x40) != 0 ? value | -(1L << shift) : value;
    }
}

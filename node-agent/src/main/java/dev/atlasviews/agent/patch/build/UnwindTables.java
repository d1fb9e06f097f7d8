// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The descriptions of frames ({@code .eh_frame}) in an object file, by the code that they describe.
 *
 * <p>Source: Linux Standard Base 5.0 core, "Exception Frames". In a relocatable file a description has one relocation for
 * its function's address, and a second one if it names a table of handlers.
 */
final class UnwindTables {
    /** Length, then what tells a description from the common information that it refers to. */
    private static final int HEADER = 8;

    private final Map<Integer, Frame> frames = new HashMap<>();

    private @Nullable ElfFormatException odd;

    private UnwindTables() {}

    /**
     * A record of {@code .eh_frame}.
     *
     * @param offset where it starts in the object's section
     * @param bytes all of it, with its length
     * @param relocations offsets from its start
     */
    @SuppressWarnings("ArrayRecordComponent") // not compared
    record Entry(long offset, byte[] bytes, List<ElfRelocation> relocations) {}

    /** How a function's frame is unwound: what it has in common with others, and what is its own. */
    record Frame(Entry common, Entry own) {
        /** The reference to the function's table of handlers, if it has handlers. */
        Optional<ElfRelocation> handlers() {
            return own.relocations().stream()
                    .filter(relocation -> relocation.offset() != HEADER)
                    .findFirst();
        }
    }

    /** Where a table of handlers lies. */
    static Place.Anonymous place(final ObjectFile object, final ElfRelocation handlers) {
        final ElfSymbol symbol = handlers.symbol();
        final long offset = symbol.value() + handlers.addend();
        return new Place.Anonymous(object.section(symbol), offset, offset);
    }

    /** Reads the tables of an object. What is odd in them is said when it is needed. */
    static UnwindTables of(final ObjectFile object) {
        final UnwindTables tables = new UnwindTables();
        try {
            for (final ElfSection section : object.elf().sections()) {
                if (section.name().equals(".eh_frame")) {
                    tables.read(object, section);
                }
            }
        } catch (final ElfFormatException e) {
            tables.odd = e;
        }
        return tables;
    }

    /**
     * How this code is unwound; empty if nothing describes it.
     *
     * @throws ElfFormatException if it can not be told, for tables that do not make sense
     */
    Optional<Frame> frame(final Code code) throws ElfFormatException {
        final Frame frame = frames.get(code.section().index());
        if (frame == null && odd != null) {
            throw odd;
        }
        return Optional.ofNullable(frame);
    }

    private void read(final ObjectFile object, final ElfSection section) throws ElfFormatException {
        final ByteBuffer content =
                ByteBuffer.wrap(object.slice(section, 0, section.size())).order(ByteOrder.LITTLE_ENDIAN);
        final Map<Long, Entry> common = new HashMap<>();
        final NavigableMap<Long, List<ElfRelocation>> relocations = new TreeMap<>();
        for (final ElfRelocation relocation : object.relocations(section)) {
            relocations
                    .computeIfAbsent(relocation.offset(), offset -> new ArrayList<>())
                    .add(relocation);
        }
        int at = 0;
        while (at + HEADER <= content.limit()) {
            final long length = content.getInt(at) & 0xffff_ffffL;
            final long end = at + Integer.BYTES + length;
            if (length == 0) {
                break;
            }
            if (length < Integer.BYTES || end > content.limit()) {
                throw new ElfFormatException(object.unit() + ": unwind tables that reach out of their section");
            }
            final Entry entry = new Entry(at, object.slice(section, at, end - at), within(relocations, at, end));
            final int distance = content.getInt(at + Integer.BYTES);
            if (distance == 0) {
                common.put((long) at, entry);
            } else {
                add(object, entry, common.get((long) at + Integer.BYTES - distance));
            }
            at = (int) end;
        }
    }

    private void add(final ObjectFile object, final Entry own, final @Nullable Entry common) throws ElfFormatException {
        for (final ElfRelocation relocation : own.relocations()) {
            if (relocation.offset() == HEADER && relocation.symbol().isDefined()) {
                if (common == null) {
                    throw new ElfFormatException(object.unit() + ": unwind tables that refer to nothing");
                }
                frames.putIfAbsent(relocation.symbol().section(), new Frame(common, own));
            }
        }
    }

    private static List<ElfRelocation> within(
            final NavigableMap<Long, List<ElfRelocation>> relocations, final long start, final long end) {
        return relocations.subMap(start, end).values().stream()
                .flatMap(List::stream)
                .filter(relocation -> relocation.offset() + Integer.BYTES <= end)
                .map(relocation -> new ElfRelocation(
                        relocation.offset() - start, relocation.type(), relocation.symbol(), relocation.addend()))
                .toList();
    }
}

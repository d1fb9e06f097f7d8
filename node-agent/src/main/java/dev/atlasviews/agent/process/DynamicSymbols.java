// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The dynamic symbols of a process, as its own memory has them.
 *
 * <p>What the dynamic loader has bound already is right by definition, IFUNCs included, so the slots of the loaded objects
 * come first. A symbol that nothing has bound is looked up in the objects' own tables, the program's first and then in the
 * order of the loader's list where it agrees with the order of loading; IFUNCs are not chosen here.
 */
public final class DynamicSymbols {
    private static final int MAX_TABLE = 64 << 20;
    private static final int MAX_ENTRIES = 1 << 20;
    private static final int R_X86_64_GLOB_DAT = 6;
    private static final int R_X86_64_JUMP_SLOT = 7;
    private static final int STT_OBJECT = 1;
    private static final int STT_FUNC = 2;

    private final Map<String, Long> bound = new HashMap<>();
    private final Map<String, Long> defined = new HashMap<>();
    private final Set<String> imported = new HashSet<>();

    private final TargetProcess process;
    private final List<MappedImage> images;
    private boolean definitionsRead;
    private boolean bindingsRead;

    /** Reads one kind of what an image's dynamic section leads to. */
    @FunctionalInterface
    private interface Reader {
        void read(MappedImage image, DynamicSection dynamic, long symbols, ByteBuffer names) throws IOException;
    }

    /**
     * The symbols of these images, read when the first is asked for; what they are bound to, which takes long, when the
     * first is resolved.
     */
    public DynamicSymbols(final TargetProcess process, final List<MappedImage> images) {
        this.process = process;
        this.images = List.copyOf(images);
    }

    /** The run-time address that a symbol is bound to; empty if no loaded object has it. */
    public OptionalLong resolve(final String symbol) {
        readBindings();
        readDefinitions();
        final Long address = bound.getOrDefault(symbol, defined.get(symbol));
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /** The run-time address of a symbol that the images define themselves; empty if they do not. */
    public OptionalLong definition(final String symbol) {
        readDefinitions();
        final Long address = defined.get(symbol);
        return address == null ? OptionalLong.empty() : OptionalLong.of(address);
    }

    /** Whether the images refer to a symbol that they do not define. */
    public boolean imports(final String symbol) {
        readDefinitions();
        return imported.contains(symbol);
    }

    private void readDefinitions() {
        if (!definitionsRead) {
            definitionsRead = true;
            readAll(this::readDefinitions);
        }
    }

    private void readBindings() {
        if (!bindingsRead) {
            bindingsRead = true;
            readAll(this::readBindings);
        }
    }

    private void readAll(final Reader reader) {
        for (final MappedImage image : images) {
            try {
                final DynamicSection dynamic = DynamicSection.read(process, image);
                final long strings = dynamic.address(DynamicSection.STRTAB);
                final long symbols = dynamic.address(DynamicSection.SYMTAB);
                if (strings != 0 && symbols != 0) {
                    reader.read(image, dynamic, symbols, bytes(process, strings, dynamic.value(DynamicSection.STRSZ)));
                }
            } catch (final IOException | IndexOutOfBoundsException | ArithmeticException e) {
                // An image with odd tables gives no symbols; nor does a process that is gone.
            }
        }
    }

    private void readBindings(
            final MappedImage image, final DynamicSection dynamic, final long symbols, final ByteBuffer names)
            throws IOException {
        readBound(
                image, symbols, names, dynamic.address(DynamicSection.JMPREL), dynamic.value(DynamicSection.PLTRELSZ));
        readBound(image, symbols, names, dynamic.address(DynamicSection.RELA), dynamic.value(DynamicSection.RELASZ));
    }

    private void readDefinitions(
            final MappedImage image, final DynamicSection dynamic, final long symbols, final ByteBuffer names)
            throws IOException {
        final int count = dynamic.symbolCount(process);
        final ByteBuffer table = bytes(process, symbols, (long) count * 24);
        for (int i = 1; i < count; i++) {
            final int info = table.get(i * 24 + 4);
            final int section = table.getShort(i * 24 + 6);
            final int type = info & 15;
            if (section == 0) {
                imported.add(name(names, table.getInt(i * 24)));
            }
            if (section != 0 && info >> 4 != 0 && (type == STT_FUNC || type == STT_OBJECT)) {
                defined.putIfAbsent(name(names, table.getInt(i * 24)), image.address(table.getLong(i * 24 + 8)));
            }
        }
    }

    private void readBound(
            final MappedImage image, final long symbols, final ByteBuffer names, final long table, final long size)
            throws IOException {
        if (table == 0) {
            return;
        }
        final ByteBuffer relocations = bytes(process, table, size);
        for (int at = 0; at + 24 <= relocations.limit(); at += 24) {
            final long info = relocations.getLong(at + 8);
            final int type = (int) info;
            final int symbol = (int) (info >>> 32);
            if ((type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT) && symbol > 0 && symbol < MAX_ENTRIES) {
                final ByteBuffer entry = bytes(process, symbols + symbol * 24L, 24);
                final long value = bytes(process, image.address(relocations.getLong(at)), 8)
                        .getLong(0);
                // A lazy slot points back into its own object until its first use.
                if (value != 0 && (entry.getShort(6) != 0 || !image.contains(value))) {
                    bound.putIfAbsent(name(names, entry.getInt(0)), value);
                }
            }
        }
    }

    private static String name(final ByteBuffer names, final int offset) {
        int end = offset;
        while (names.get(end) != 0) {
            end++;
        }
        return StandardCharsets.ISO_8859_1
                .decode(names.slice(offset, end - offset))
                .toString();
    }

    static ByteBuffer bytes(final TargetProcess process, final long address, final long size) throws IOException {
        if (size < 0 || size > MAX_TABLE) {
            throw new IOException("a table of %d bytes".formatted(size));
        }
        return ByteBuffer.wrap(process.read(address, (int) size)).order(ByteOrder.LITTLE_ENDIAN);
    }
}

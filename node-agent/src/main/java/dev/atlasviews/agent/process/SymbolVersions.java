// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * The versions of an image's dynamic symbols: those that it defines and those that it asks other images for.
 *
 * <p>Source: "ELF Symbol Versioning" (Drepper); LSB core specification, chapter 10.7.
 */
final class SymbolVersions {
    /** The last number that stands for no version: local, or the image itself. */
    private static final int UNVERSIONED = 1;

    private static final int HIDDEN = 0x8000;
    private static final int MAX_VERSIONS = 1 << 12;

    private final TargetProcess process;
    private final ByteBuffer names;
    private final Map<Integer, String> versions = new HashMap<>();
    private ByteBuffer table = ByteBuffer.allocate(0);
    private int entries;

    private SymbolVersions(final TargetProcess process, final ByteBuffer names) {
        this.process = process;
        this.names = names;
    }

    /** Reads them for so many symbols. */
    static SymbolVersions read(
            final TargetProcess process, final DynamicSection dynamic, final ByteBuffer names, final int symbols)
            throws IOException {
        final SymbolVersions versions = new SymbolVersions(process, names);
        final long table = dynamic.address(DynamicSection.VERSYM);
        if (table != 0) {
            versions.table = DynamicSymbols.bytes(process, table, symbols * 2L);
            versions.readDefined(
                    dynamic.address(DynamicSection.VERDEF), bounded(dynamic.value(DynamicSection.VERDEFNUM)));
            versions.readNeeded(
                    dynamic.address(DynamicSection.VERNEED), bounded(dynamic.value(DynamicSection.VERNEEDNUM)));
        }
        return versions;
    }

    private void readDefined(final long start, final int count) throws IOException {
        long at = start;
        for (int i = 0; i < count; i++) {
            final ByteBuffer entry = DynamicSymbols.bytes(process, at, 20);
            final ByteBuffer name = DynamicSymbols.bytes(process, at + unsigned(entry, 12), 8);
            put(entry.getShort(4), name.getInt(0));
            if (entry.getInt(16) == 0) {
                break;
            }
            at += unsigned(entry, 16);
        }
    }

    private void readNeeded(final long start, final int count) throws IOException {
        long at = start;
        for (int i = 0; i < count; i++) {
            final ByteBuffer file = DynamicSymbols.bytes(process, at, 16);
            long version = at + unsigned(file, 8);
            for (int j = file.getShort(2) & 0xffff; j > 0; j--) {
                final ByteBuffer entry = DynamicSymbols.bytes(process, version, 16);
                put(entry.getShort(6), entry.getInt(8));
                if (entry.getInt(12) == 0) {
                    break;
                }
                version += unsigned(entry, 12);
            }
            if (file.getInt(12) == 0) {
                break;
            }
            at += unsigned(file, 12);
        }
    }

    private void put(final int number, final int name) throws IOException {
        // Entries may repeat one number, which the map does not tell.
        bounded(++entries);
        versions.put(number & ~HIDDEN & 0xffff, DynamicSymbols.name(names, name));
    }

    /** The number of a symbol's version; 0 or 1 if it has none. */
    int number(final int symbol) {
        return table.limit() == 0 ? UNVERSIONED : table.getShort(symbol * 2) & 0x7fff;
    }

    /** Whether a symbol is there only for who asks for its version. */
    boolean isHidden(final int symbol) {
        return table.limit() > 0 && (table.getShort(symbol * 2) & HIDDEN) != 0;
    }

    /** The name of a symbol's version; nothing if it has none. */
    String name(final int symbol) {
        final int number = number(symbol);
        return number <= UNVERSIONED ? "" : versions.getOrDefault(number, "");
    }

    private static long unsigned(final ByteBuffer entry, final int at) {
        return entry.getInt(at) & 0xffff_ffffL;
    }

    private static int bounded(final long count) throws IOException {
        if (count < 0 || count > MAX_VERSIONS) {
            throw new IOException("%d versions".formatted(count));
        }
        return (int) count;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The dynamic section of an image, in the process' memory (System V gABI, chapter 5; GNU hash by its own convention). */
final class DynamicSection {
    static final long RELA = 7;
    static final long RELASZ = 8;
    static final long STRTAB = 5;
    static final long SYMTAB = 6;
    static final long STRSZ = 10;
    static final long PLTRELSZ = 2;
    static final long SONAME = 14;
    static final long DEBUG = 21;
    static final long JMPREL = 23;
    static final long VERSYM = 0x6ffffff0L;
    static final long VERDEF = 0x6ffffffcL;
    static final long VERDEFNUM = 0x6ffffffdL;
    static final long VERNEED = 0x6ffffffeL;
    static final long VERNEEDNUM = 0x6fffffffL;

    private static final long NEEDED = 1;
    private static final long HASH = 4;
    private static final long GNU_HASH = 0x6ffffef5L;
    private static final int PT_DYNAMIC = 2;
    private static final int MAX_SYMBOLS = 1 << 20;
    private static final int MAX_SECTION = 1 << 16;
    private static final int MAX_LIBRARY_NAME = 1 << 10;

    private final MappedImage image;
    private final Map<Long, Long> values = new HashMap<>();
    private final List<Long> needed = new ArrayList<>();

    private DynamicSection(final MappedImage image) {
        this.image = image;
    }

    static DynamicSection read(final TargetProcess process, final MappedImage image) throws IOException {
        final DynamicSection section = new DynamicSection(image);
        final ByteBuffer header = DynamicSymbols.bytes(process, image.first().start(), 64);
        final int count = header.getShort(56) & 0xffff;
        final ByteBuffer segments =
                DynamicSymbols.bytes(process, image.first().start() + header.getLong(32), Math.min(count, 128) * 56L);
        for (int at = 0; at + 56 <= segments.limit(); at += 56) {
            if (segments.getInt(at) == PT_DYNAMIC) {
                final ByteBuffer entries = DynamicSymbols.bytes(
                        process,
                        image.address(segments.getLong(at + 16)),
                        Math.min(segments.getLong(at + 40), MAX_SECTION));
                for (int entry = 0; entry + 16 <= entries.limit() && entries.getLong(entry) != 0; entry += 16) {
                    section.put(entries.getLong(entry), entries.getLong(entry + 8));
                }
            }
        }
        return section;
    }

    private void put(final long tag, final long value) {
        if (tag == NEEDED) {
            needed.add(value);
        } else {
            values.put(tag, value);
        }
    }

    /** How many libraries it needs. */
    int neededCount() {
        return needed.size();
    }

    /** The names of the libraries that it needs, in its order. */
    List<String> needed(final TargetProcess process) throws IOException {
        final List<String> names = new ArrayList<>();
        for (final long name : needed) {
            names.add(string(process, name));
        }
        return names;
    }

    /** The name that others name it by; nothing if it does not say. */
    String soname(final TargetProcess process) throws IOException {
        final long name = value(SONAME);
        return name == 0 ? "" : string(process, name);
    }

    /** One of its strings, without the others. */
    private String string(final TargetProcess process, final long offset) throws IOException {
        final long left = value(STRSZ) - offset;
        if (offset < 0 || left <= 0) {
            throw new IOException("a name outside of its table");
        }
        return DynamicSymbols.name(
                DynamicSymbols.bytes(process, address(STRTAB) + offset, Math.min(left, MAX_LIBRARY_NAME)), 0);
    }

    long value(final long tag) {
        return values.getOrDefault(tag, 0L);
    }

    /** An address in the process; glibc relocates the entries of most objects in place, others stay as in the file. */
    long address(final long tag) {
        final long value = value(tag);
        return value == 0 || image.contains(value) ? value : image.address(value);
    }

    /** How many symbols the table has, which only the hash tables tell. */
    int symbolCount(final TargetProcess process) throws IOException {
        final long hash = address(HASH);
        if (hash != 0) {
            return bounded(DynamicSymbols.bytes(process, hash, 8).getInt(4));
        }
        final long gnuHash = address(GNU_HASH);
        return gnuHash == 0 ? 0 : gnuSymbolCount(process, gnuHash);
    }

    private static int gnuSymbolCount(final TargetProcess process, final long table) throws IOException {
        final ByteBuffer header = DynamicSymbols.bytes(process, table, 16);
        final int bucketCount = bounded(header.getInt(0));
        final int firstHashed = bounded(header.getInt(4));
        final int bloomWords = bounded(header.getInt(8));
        final long buckets = table + 16 + bloomWords * 8L;
        final ByteBuffer bucket = DynamicSymbols.bytes(process, buckets, bucketCount * 4L);
        int last = 0;
        for (int i = 0; i < bucketCount; i++) {
            last = Math.max(last, bounded(bucket.getInt(i * 4)));
        }
        if (last < firstHashed) {
            return firstHashed;
        }
        // The chain of the last bucket ends with the last symbol, whose hash has its lowest bit set.
        final long chains = buckets + bucketCount * 4L;
        while ((DynamicSymbols.bytes(process, chains + (last - firstHashed) * 4L, 4)
                                .getInt(0)
                        & 1)
                == 0) {
            last = bounded(last + 1);
        }
        return last + 1;
    }

    static int bounded(final int count) throws IOException {
        if (count < 0 || count > MAX_SYMBOLS) {
            throw new IOException("a table of %d entries".formatted(count));
        }
        return count;
    }
}

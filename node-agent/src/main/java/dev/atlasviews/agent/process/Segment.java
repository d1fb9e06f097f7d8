// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A segment of an ELF file, as its program header says.
 *
 * @param type what it is
 * @param address in the file's own addresses
 * @param offset in the file
 * @param fileSize how many bytes of it are in the file
 * @param size how many are in memory
 * @param alignment of the address
 */
record Segment(int type, long address, long offset, long fileSize, long size, long alignment) {
    static final int PT_LOAD = 1;
    static final int FILE_HEADER = 64;
    static final int PROGRAM_HEADER = 56;
    private static final int MAX_PROGRAM_HEADERS = 128;
    /** How much of a file's start is looked at. */
    static final int MAX_HEAD = FILE_HEADER + MAX_PROGRAM_HEADERS * PROGRAM_HEADER;

    boolean isLoaded() {
        return type == PT_LOAD;
    }

    /** Whether one of them has the file's first page, so far behind the first of them. */
    static boolean isOfFirstPage(final List<Segment> segments, final long distance) {
        final List<Segment> loaded = segments.stream().filter(Segment::isLoaded).toList();
        return loaded.stream()
                .anyMatch(segment -> (segment.offset & -4096L) == 0
                        && (segment.address & -4096L) - (loaded.getFirst().address & -4096L) == distance);
    }

    /** The segments that the start of a file tells of; none if it is no ELF file. */
    static List<Segment> read(final ByteBuffer head) {
        final List<Segment> segments = new ArrayList<>();
        if (head.limit() < FILE_HEADER || head.getInt(0) != 0x464c457f || head.get(4) != 2) {
            return segments;
        }
        final long table = head.getLong(32);
        final int count = Math.min(head.getShort(56) & 0xffff, MAX_PROGRAM_HEADERS);
        for (int i = 0; i < count; i++) {
            final long at = table + (long) i * PROGRAM_HEADER;
            if (table < 0 || table > head.limit() || at + PROGRAM_HEADER > head.limit()) {
                break;
            }
            final int position = (int) at;
            segments.add(new Segment(
                    head.getInt(position),
                    head.getLong(position + 16),
                    head.getLong(position + 8),
                    head.getLong(position + 32),
                    head.getLong(position + 40),
                    head.getLong(position + 48)));
        }
        return segments;
    }
}

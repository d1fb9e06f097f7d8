// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What unwinding needs of a mapped ELF file, as an ELF file of its own: where the first segment lies, and the table that
 * {@code PT_GNU_EH_FRAME} leads to. Code and data, which are most of a program, stay behind. It is copied piece by piece: a
 * table may be larger than what whoever copies it can spare.
 */
public final class UnwindImage implements AutoCloseable {
    private static final int PT_GNU_EH_FRAME = 0x6474e550;
    /** The table's version and how it tells where {@code .eh_frame} is, as linkers write it: four bytes, from there on. */
    private static final int USUAL_TABLE = 0x1b01;

    private static final int TABLE_START = 8;
    private static final int POINTER = 4;
    private static final int CONTENT = Segment.FILE_HEADER + 2 * Segment.PROGRAM_HEADER;
    private static final int PIECE = 1 << 16;

    private final Source source;
    private final byte[] head;
    private final Part part;
    private final int length;

    private UnwindImage(final Source source, final byte[] head, final Part part, final int most) throws IOException {
        this.source = source;
        this.head = head;
        this.part = part;
        final long sum = head.length + part.length();
        if (sum > most) {
            throw new IOException("%s is too large: %d bytes".formatted(source.name(), sum));
        }
        this.length = (int) sum;
    }

    /** A part of the file. */
    private record Part(long start, long end) {
        long length() {
            return end - start;
        }

        static Part of(final Segment segment, final long most) {
            final long end = segment.offset() + segment.fileSize();
            return segment.offset() < 0 || end < segment.offset() || segment.offset() > most
                    ? new Part(0, 0)
                    : new Part(segment.offset(), Math.min(end, most));
        }

        boolean contains(final long offset) {
            return offset >= start && offset < end;
        }
    }

    /** Where the bytes come from: the file through its mapping, or memory that is of no file. */
    private record Source(
            TargetProcess process,
            MappedImage image,
            @Nullable FileChannel file) {
        static Source open(final TargetProcess process, final MappedImage image) throws IOException {
            return new Source(
                    process,
                    image,
                    image.first().inode() == 0
                            ? null
                            : FileChannel.open(process.mappedFile(image.first()), StandardOpenOption.READ));
        }

        String name() {
            return image.first().name();
        }

        long size() throws IOException {
            return file == null ? image.end() - image.first().start() : file.size();
        }

        ByteBuffer read(final long offset, final int size) throws IOException {
            if (file == null) {
                return ByteBuffer.wrap(process.read(image.first().start() + offset, size))
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
            final ByteBuffer buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
            while (buffer.hasRemaining()) {
                if (file.read(buffer, offset + buffer.position()) < 0) {
                    throw new IOException(name() + " has become shorter");
                }
            }
            return buffer.flip();
        }

        void close() throws IOException {
            if (file != null) {
                file.close();
            }
        }
    }

    /**
     * Opens it through the mapping.
     *
     * @param most the greatest length to accept, bytes
     * @throws IOException if it is longer, no ELF file, or the process is gone
     */
    public static UnwindImage open(final TargetProcess process, final MappedImage image, final int most)
            throws IOException {
        final Source source = Source.open(process, image);
        try {
            final long size = source.size();
            final ByteBuffer start = source.read(0, (int) Math.min(size, Segment.MAX_HEAD));
            final List<Segment> segments = Segment.read(start);
            final List<Segment> loaded =
                    segments.stream().filter(Segment::isLoaded).toList();
            if (loaded.isEmpty()) {
                throw new IOException(source.name() + " is no ELF file");
            }
            final Optional<Segment> table = segments.stream()
                    .filter(segment -> segment.type() == PT_GNU_EH_FRAME)
                    .findFirst();
            final Part part = table.isEmpty() ? new Part(0, 0) : part(source, table.get(), loaded, size);
            return new UnwindImage(source, head(start, loaded.getFirst(), table, part), part, most);
        } catch (final IOException e) {
            source.close();
            throw e;
        }
    }

    /**
     * What is in the segment of the table from where the table begins: where {@code .eh_frame} ends only sections tell, which
     * may have been removed. Of an unusual file it is all that is loaded.
     */
    private static Part part(final Source source, final Segment table, final List<Segment> loaded, final long size)
            throws IOException {
        for (final Segment segment : loaded) {
            final Part whole = Part.of(segment, size);
            if (whole.contains(table.offset()) && whole.contains(table.offset() + TABLE_START - 1)) {
                final ByteBuffer start = source.read(table.offset(), TABLE_START);
                final long frames = table.offset() + POINTER + start.getInt(POINTER);
                if ((start.getShort(0) & 0xffff) == USUAL_TABLE && whole.contains(frames)) {
                    return new Part(Math.min(table.offset(), frames), whole.end());
                }
            }
        }
        return new Part(
                0,
                loaded.stream()
                        .mapToLong(segment -> Part.of(segment, size).end())
                        .max()
                        .orElse(0));
    }

    private static byte[] head(
            final ByteBuffer start, final Segment first, final Optional<Segment> table, final Part part) {
        final ByteBuffer head = ByteBuffer.allocate(CONTENT).order(ByteOrder.LITTLE_ENDIAN);
        head.put(0, start, 0, Segment.FILE_HEADER)
                .putLong(32, Segment.FILE_HEADER)
                .putLong(40, 0)
                .putShort(54, (short) Segment.PROGRAM_HEADER)
                .putShort(56, (short) (table.isPresent() ? 2 : 1))
                .putShort(60, (short) 0)
                .putShort(62, (short) 0);
        put(head, Segment.FILE_HEADER, first, 0, 0);
        table.ifPresent(segment -> put(
                head,
                Segment.FILE_HEADER + Segment.PROGRAM_HEADER,
                segment,
                segment.offset() - part.start() + CONTENT,
                segment.fileSize()));
        return head.array();
    }

    private static void put(
            final ByteBuffer head, final int at, final Segment segment, final long offset, final long fileSize) {
        head.putInt(at, segment.type())
                .putLong(at + 8, offset)
                .putLong(at + 16, segment.address())
                .putLong(at + 24, segment.address())
                .putLong(at + 32, fileSize)
                .putLong(at + 40, segment.size())
                .putLong(at + 48, segment.alignment());
    }

    /** How many bytes there are. */
    public int length() {
        return length;
    }

    /**
     * Copies all of it.
     *
     * @throws IOException if it can not be read any more; what was written by then is of no use
     */
    public void writeTo(final OutputStream out) throws IOException {
        out.write(head);
        for (long at = part.start(); at < part.end(); at += PIECE) {
            out.write(source.read(at, (int) Math.min(PIECE, part.end() - at)).array());
        }
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}

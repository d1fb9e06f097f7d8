// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The part of a mapped ELF file that the dynamic loader uses: up to the end of its last loaded segment, with no section
 * table. That is all that unwinding needs ({@code PT_GNU_EH_FRAME}), and it leaves debug information behind. It is copied
 * piece by piece: a program may be larger than what whoever copies it can spare.
 */
public final class LoadedFile implements AutoCloseable {
    private static final int HEADER = 64;
    private static final int SECTION_TABLE = 40;
    private static final int SECTION_COUNT = 60;
    private static final int PIECE = 1 << 16;

    private final TargetProcess process;
    private final MappedImage image;
    private final @Nullable FileChannel file;
    private final int length;

    private LoadedFile(
            final TargetProcess process, final MappedImage image, final @Nullable FileChannel file, final int length) {
        this.process = process;
        this.image = image;
        this.file = file;
        this.length = length;
    }

    /**
     * Opens it through the mapping.
     *
     * @param most the greatest length to accept, bytes
     * @throws IOException if it is longer, no ELF file, or the process is gone
     */
    public static LoadedFile open(final TargetProcess process, final MappedImage image, final int most)
            throws IOException {
        if (image.first().inode() == 0) {
            return new LoadedFile(
                    process,
                    image,
                    null,
                    bounded(image, image.end() - image.first().start(), most));
        }
        final FileChannel file = FileChannel.open(process.mappedFile(image.first()), StandardOpenOption.READ);
        try {
            long end = 0;
            for (final Mapping mapping : process.mappings()) {
                if (mapping.inode() == image.first().inode()
                        && mapping.device().equals(image.first().device())) {
                    end = Math.max(end, mapping.offset() + mapping.length());
                }
            }
            return new LoadedFile(process, image, file, bounded(image, Math.min(end, file.size()), most));
        } catch (final IOException e) {
            file.close();
            throw e;
        }
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
        for (int at = 0; at < length; at += PIECE) {
            final byte[] piece = read(at, Math.min(PIECE, length - at));
            if (at == 0) {
                final ByteBuffer header = ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN);
                header.putLong(SECTION_TABLE, 0);
                header.putShort(SECTION_COUNT, (short) 0);
                header.putShort(SECTION_COUNT + 2, (short) 0);
            }
            out.write(piece);
        }
    }

    private byte[] read(final int offset, final int size) throws IOException {
        if (file == null) {
            return process.read(image.first().start() + offset, size);
        }
        final ByteBuffer buffer = ByteBuffer.allocate(size);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, offset + (long) buffer.position()) < 0) {
                throw new IOException(image.first().name() + " has become shorter");
            }
        }
        return buffer.array();
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }

    private static int bounded(final MappedImage image, final long length, final int most) throws IOException {
        if (length > most) {
            throw new IOException(
                    "%s is too large: %d bytes".formatted(image.first().name(), length));
        }
        if (length < HEADER) {
            throw new IOException(image.first().name() + " is no ELF file");
        }
        return (int) length;
    }
}

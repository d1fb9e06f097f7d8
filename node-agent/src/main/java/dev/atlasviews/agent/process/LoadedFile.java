// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/**
 * The part of a mapped ELF file that the dynamic loader uses: up to the end of its last loaded segment, with no section
 * table. That is all that unwinding needs ({@code PT_GNU_EH_FRAME}), and it leaves debug information behind.
 */
public final class LoadedFile {
    private static final int HEADER = 64;
    private static final int SECTION_TABLE = 40;
    private static final int SECTION_COUNT = 60;

    private LoadedFile() {}

    /**
     * Reads it through the mapping.
     *
     * @param most the greatest length to read, bytes
     * @throws IOException if it is longer, no ELF file, or the process is gone
     */
    public static byte[] read(final TargetProcess process, final MappedImage image, final int most) throws IOException {
        final byte[] bytes =
                image.first().inode() == 0 ? fromMemory(process, image, most) : fromFile(process, image, most);
        if (bytes.length < HEADER) {
            throw new IOException(image.first().name() + " is no ELF file");
        }
        final ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(SECTION_TABLE, 0);
        header.putShort(SECTION_COUNT, (short) 0);
        header.putShort(SECTION_COUNT + 2, (short) 0);
        return bytes;
    }

    private static byte[] fromMemory(final TargetProcess process, final MappedImage image, final int most)
            throws IOException {
        return process.read(
                image.first().start(),
                bounded(image, image.end() - image.first().start(), most));
    }

    private static byte[] fromFile(final TargetProcess process, final MappedImage image, final int most)
            throws IOException {
        try (FileChannel file = FileChannel.open(process.mappedFile(image.first()), StandardOpenOption.READ)) {
            long end = 0;
            for (final Mapping mapping : process.mappings()) {
                if (mapping.inode() == image.first().inode()
                        && mapping.device().equals(image.first().device())) {
                    end = Math.max(end, mapping.offset() + mapping.length());
                }
            }
            final ByteBuffer buffer = ByteBuffer.allocate(bounded(image, Math.min(end, file.size()), most));
            int count;
            do {
                count = file.read(buffer, buffer.position());
            } while (count > 0 && buffer.hasRemaining());
            return buffer.array();
        }
    }

    private static int bounded(final MappedImage image, final long length, final int most) throws IOException {
        if (length > most) {
            throw new IOException(
                    "%s is too large: %d bytes".formatted(image.first().name(), length));
        }
        return (int) length;
    }
}

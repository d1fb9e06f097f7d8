// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.report;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A list in a JSON file that several programs change: from {@link #open} to {@link #close} no other one has it, so what
 * is written from it elsewhere fits, too. Threads of one program have to take turns by themselves.
 *
 * @param <T> what it lists
 */
public final class SharedList<T> implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Path file;
    private final Class<T[]> type;
    /** Read and written through this only: the lock ends when any other channel to the file is closed. */
    private final FileChannel channel;

    private SharedList(final Path file, final Class<T[]> type, final FileChannel channel) {
        this.file = file;
        this.type = type;
        this.channel = channel;
    }

    /**
     * Waits until no other program has the list. A file that does not exist is made.
     *
     * @throws IOException if it can not be made or locked
     */
    public static <T> SharedList<T> open(final Path file, final Class<T[]> type) throws IOException {
        final FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            channel.lock();
            return new SharedList<>(file, type, channel);
        } catch (final IOException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * What is in the file; nothing if it is new.
     *
     * @throws IOException if it is no such list
     */
    public List<T> read() throws IOException {
        final byte[] content = Channels.newInputStream(channel.position(0)).readAllBytes();
        try {
            return content.length == 0 ? List.of() : List.of(JSON.readValue(content, type));
        } catch (final JacksonException e) {
            throw new IOException("%s is no list of %s: %s".formatted(file, type.getSimpleName(), e.getMessage()), e);
        }
    }

    /** Puts these in place of what is in the file. */
    public void write(final List<T> list) throws IOException {
        final byte[] content = (JSON.writeValueAsString(list) + "\n").getBytes(StandardCharsets.UTF_8);
        Channels.newOutputStream(channel.truncate(0)).write(content);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.crds.Digest;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What was fetched, on disk by its digest, checked when it is read. When there is more than its limit, what was not read for
 * the longest goes.
 */
final class BlobCache {
    private final Path directory;
    private final long limit;

    private record Entry(Path file, long size, Instant used) {}

    /**
     * A cache in a directory, which is created when needed.
     *
     * @param limit how much it may hold, in bytes
     */
    BlobCache(final Path directory, final long limit) {
        this.directory = directory;
        this.limit = limit;
    }

    /**
     * What has this digest, if it is there.
     *
     * @param longest the most that it may have, in bytes
     */
    synchronized Optional<byte[]> get(final Digest digest, final int longest) throws IOException {
        final Path file = directory.resolve(digest.hex());
        try {
            if (Files.size(file) > longest) {
                return Optional.empty();
            }
            final byte[] content = Files.readAllBytes(file);
            if (!Digest.of(content).equals(digest)) {
                // Damaged: the registry has it.
                Files.deleteIfExists(file);
                return Optional.empty();
            }
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            return Optional.of(content);
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Keeps something, in place of what was not used for the longest. */
    synchronized void put(final byte[] content) throws IOException {
        Files.createDirectories(directory);
        shrinkTo(limit - content.length);
        final Path temporary = Files.createTempFile(directory, ".new", "");
        try {
            Files.write(temporary, content);
            Files.move(
                    temporary,
                    directory.resolve(Digest.of(content).hex()),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** What an agent that was killed had begun goes like anything else. */
    private void shrinkTo(final long size) throws IOException {
        final List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (final Path file : files) {
                entries.add(new Entry(
                        file, Files.size(file), Files.getLastModifiedTime(file).toInstant()));
            }
        }
        entries.sort(Comparator.comparing(Entry::used));
        long held = entries.stream().mapToLong(Entry::size).sum();
        for (final Entry entry : entries) {
            if (held <= size) {
                return;
            }
            Files.deleteIfExists(entry.file());
            held -= entry.size();
        }
    }
}

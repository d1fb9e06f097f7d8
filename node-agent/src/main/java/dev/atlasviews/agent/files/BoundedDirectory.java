// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.files;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Files in a directory that is created when needed, with a limit on how much they are together: when there is more, those go
 * that were not used for the longest. A file is there whole or not at all.
 */
public final class BoundedDirectory {
    /** How many times the limit what has to stay may be: nobody fills a disk by asking for much at once. */
    private static final int MOST = 2;

    /** So seldom is it noted that a file was used. */
    private static final Duration NOTED = Duration.ofMinutes(10);

    private final Path directory;
    private final long limit;
    private final Choice choice;

    /**
     * A file.
     *
     * @param name without directories
     * @param size in bytes
     * @param used when it was put or {@linkplain #use used}, to some minutes
     */
    public record Entry(String name, long size, Instant used) {}

    /** Says what may go. */
    @FunctionalInterface
    public interface Choice {
        /** Asked only when there is too much. */
        Predicate<Entry> removable() throws IOException;
    }

    /**
     * Files that may all go.
     *
     * @param limit how much there may be, in bytes
     */
    public BoundedDirectory(final Path directory, final long limit) {
        this(directory, limit, () -> entry -> true);
    }

    /**
     * Files of which some have to stay, so that there may be more of them than the limit, but never twice as much.
     *
     * @param limit how much there may be, in bytes
     */
    public BoundedDirectory(final Path directory, final long limit, final Choice choice) {
        this.directory = directory;
        this.limit = limit;
        this.choice = choice;
    }

    /** Where the file of this name is, or would be. */
    public Path file(final String name) {
        return directory.resolve(name);
    }

    /** Whether there is a file of this name, which is used by that. */
    public synchronized boolean use(final String name) throws IOException {
        final Instant now = Instant.now();
        try {
            final Instant used = Files.getLastModifiedTime(file(name)).toInstant();
            if (used.isBefore(now.minus(NOTED))) {
                Files.setLastModifiedTime(file(name), FileTime.from(now));
            }
            return true;
        } catch (final NoSuchFileException e) {
            return false;
        }
    }

    /** The content of the file of this name, if there is one, which is used by that. */
    public Optional<byte[]> get(final String name) throws IOException {
        return get(name, Long.MAX_VALUE);
    }

    /**
     * The content of the file of this name, if there is one, which is used by that.
     *
     * @param longest in bytes; a larger file is not read, as if there were none
     */
    public synchronized Optional<byte[]> get(final String name, final long longest) throws IOException {
        try {
            if (Files.size(file(name)) > longest || !use(name)) {
                return Optional.empty();
            }
            return Optional.of(Files.readAllBytes(file(name)));
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Removes a file, if it is there, whatever has to stay. */
    public synchronized void remove(final String name) throws IOException {
        Files.deleteIfExists(file(name));
    }

    /**
     * Puts a file there, in place of another with that name.
     *
     * @throws IOException also where it alone is more than there may be, for which no other file goes, or where too much has to
     *     stay
     */
    public synchronized void put(final String name, final byte[] content) throws IOException {
        if (content.length > limit) {
            throw new IOException(
                    "%s has %d bytes, and no more than %d may be kept".formatted(file(name), content.length, limit));
        }
        Files.createDirectories(directory);
        final long held = shrinkTo(limit - content.length);
        if (held + content.length > MOST * limit) {
            throw new IOException(
                    "%s with %d bytes can not be kept beside %d bytes that were asked for lately or are in use"
                            .formatted(file(name), content.length, held));
        }
        final Path temporary = Files.createTempFile(directory, ".new", "");
        try {
            Files.write(temporary, content);
            Files.move(temporary, file(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** What a program that was killed had begun goes like anything else. Returns how much is left. */
    private long shrinkTo(final long size) throws IOException {
        final List<Entry> entries = entries();
        long held = entries.stream().mapToLong(Entry::size).sum();
        if (held <= size) {
            return held;
        }
        entries.removeIf(choice.removable().negate());
        entries.sort(Comparator.comparing(Entry::used));
        for (final Entry entry : entries) {
            if (held > size) {
                Files.deleteIfExists(file(entry.name()));
                held -= entry.size();
            }
        }
        return held;
    }

    private List<Entry> entries() throws IOException {
        final List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (final Path file : files) {
                entry(file).ifPresent(entries::add);
            }
        }
        return entries;
    }

    /** Empty if another program has put it in its place, or removed it, meanwhile. */
    private static Optional<Entry> entry(final Path file) throws IOException {
        try {
            return Optional.of(new Entry(
                    file.getFileName().toString(),
                    Files.size(file),
                    Files.getLastModifiedTime(file).toInstant()));
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }
}

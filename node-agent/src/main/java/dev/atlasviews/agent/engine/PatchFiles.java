// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.process.TargetProcess;
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
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Patch files on disk, by their digests and checked when they are read. When there is more than a limit, what nobody asked for
 * for the longest goes; but nothing that was asked for lately, for it may be about to be applied, and nothing that a process
 * has mapped, for it is needed to take the patch back.
 */
final class PatchFiles {
    private static final Duration LATELY = Duration.ofHours(1);
    /** So seldom is it noted that a file was asked for. */
    private static final Duration NOTED = Duration.ofMinutes(10);

    private final Path directory;
    private final Path proc;
    private final long limit;

    private record Entry(Path file, long size, Instant used) {}

    /**
     * Files in a directory, which is created when needed.
     *
     * @param proc the proc file system that shows the processes
     * @param limit how much there may be, in bytes
     */
    PatchFiles(final Path directory, final Path proc, final long limit) {
        this.directory = directory;
        this.proc = proc;
        this.limit = limit;
    }

    /** Whether there is a file of this name, which has now been asked for. */
    boolean contains(final String digest) throws IOException {
        final Path file = directory.resolve(digest);
        final Instant now = Instant.now();
        try {
            if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(NOTED))) {
                Files.setLastModifiedTime(file, FileTime.from(now));
            }
            return true;
        } catch (final NoSuchFileException e) {
            return false;
        }
    }

    /** The file with this digest. */
    Optional<byte[]> get(final String digest) throws IOException {
        try {
            return contains(digest)
                    ? Optional.of(Files.readAllBytes(directory.resolve(digest)))
                            .filter(file -> LayerStack.sha256(file).equals(digest))
                    : Optional.empty();
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Keeps a file, in place of a damaged one too. */
    synchronized void put(final byte[] file) throws IOException {
        final String digest = LayerStack.sha256(file);
        if (get(digest).isPresent()) {
            return;
        }
        Files.createDirectories(directory);
        shrinkTo(limit - file.length);
        final Path temporary = Files.createTempFile(directory, ".new", "");
        Files.write(temporary, file);
        Files.move(
                temporary,
                directory.resolve(digest),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    /** What a program that was killed had begun goes like anything else. */
    private void shrinkTo(final long size) throws IOException {
        final List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (final Path file : files) {
                entries.add(new Entry(
                        file, Files.size(file), Files.getLastModifiedTime(file).toInstant()));
            }
        }
        long held = entries.stream().mapToLong(Entry::size).sum();
        if (held <= size) {
            return;
        }
        final Optional<Set<String>> mapped = mapped();
        final Instant lately = Instant.now().minus(LATELY);
        entries.removeIf(entry -> mapped.isEmpty()
                || entry.used().isAfter(lately)
                || mapped.get().stream().anyMatch(entry.file().getFileName().toString()::startsWith));
        entries.sort(Comparator.comparing(Entry::used));
        for (final Entry entry : entries) {
            if (held > size) {
                Files.deleteIfExists(entry.file());
                held -= entry.size();
            }
        }
    }

    /** How the digests of the patches begin that processes have mapped; empty if not all of these can be looked at. */
    private Optional<Set<String>> mapped() throws IOException {
        final Set<String> mapped = new HashSet<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[1-9]*")) {
            for (final Path process : processes) {
                try {
                    final long pid = Long.parseLong(process.getFileName().toString());
                    mapped.addAll(Areas.digests(new TargetProcess(proc, pid, 0).mappings()));
                } catch (final IOException e) {
                    if (Files.exists(process)) {
                        return Optional.empty();
                    }
                }
            }
        }
        return Optional.of(mapped);
    }
}

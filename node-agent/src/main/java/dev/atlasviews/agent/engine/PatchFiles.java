// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.files.BoundedDirectory;
import dev.atlasviews.agent.patch.Sha256;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Patch files on disk, by their digests and checked when they are read. When there is more than a limit, what nobody asked for
 * for the longest goes; but nothing that was asked for lately, for it may be about to be applied, and nothing that a process
 * has mapped, for it is needed to take the patch back.
 */
final class PatchFiles {
    /** What was asked for since then stays. */
    static final Duration LATELY = Duration.ofHours(1);

    private final BoundedDirectory files;
    private final Path proc;

    /**
     * Files in a directory, which is created when needed.
     *
     * @param proc the proc file system that shows the processes
     * @param limit how much there may be, in bytes
     */
    PatchFiles(final Path directory, final Path proc, final long limit) {
        this.files = new BoundedDirectory(directory, limit, this::removable);
        this.proc = proc;
    }

    /** Whether there is a file of this name, which has now been asked for. */
    boolean contains(final String digest) throws IOException {
        return files.use(digest);
    }

    /** The file with this digest. */
    Optional<byte[]> get(final String digest) throws IOException {
        return files.get(digest).filter(file -> Sha256.hex(file).equals(digest));
    }

    /** Keeps a file, in place of a damaged one too. */
    synchronized void put(final byte[] file) throws IOException {
        final String digest = Sha256.hex(file);
        if (get(digest).isEmpty()) {
            files.put(digest, file);
        }
    }

    private Predicate<BoundedDirectory.Entry> removable() throws IOException {
        final Optional<Set<String>> mapped = mapped();
        final Instant lately = Instant.now().minus(LATELY);
        return entry -> mapped.isPresent()
                && !entry.used().isAfter(lately)
                && mapped.get().stream().noneMatch(entry.name()::startsWith);
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

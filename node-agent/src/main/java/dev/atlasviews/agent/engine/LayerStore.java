// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.files.BoundedDirectory;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFormatException;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Remembers, across restarts, the patch files that were applied and which of them a view's tag stands for. Everything is
 * named by a digest and checked when read, so files are never stale and may be deleted: then a revert of all patches still
 * works, by treating all patch code as one. Patches that are asked for again and again are read once.
 */
public final class LayerStore {
    /** Sixteen of the largest patches, and very many of the usual ones. */
    private static final long FILES_LIMIT = 256L << 20;
    /** One of the largest patches. */
    private static final long CACHE_LIMIT = PatchReader.MAX_FILE;
    /** Thousands of signatures, which are asked for again when they went, and ten thousand stacks that no process has any more. */
    private static final long NOTES_LIMIT = 1L << 20;

    private final Path directory;
    private final PatchFiles patches;
    private final BoundedDirectory signatures;
    private final BoundedDirectory stacks;
    private final PatchCache cache = new PatchCache(CACHE_LIMIT);

    /** A store in this directory, which is created when needed. */
    public LayerStore(final Path directory) {
        this.directory = directory;
        this.patches = new PatchFiles(directory.resolve("patches"), TargetProcess.PROC, FILES_LIMIT);
        this.signatures = new BoundedDirectory(directory.resolve("signatures"), NOTES_LIMIT);
        this.stacks = new BoundedDirectory(directory.resolve("stacks"), NOTES_LIMIT, LayerStore::notLately);
    }

    /** Keeps a patch file. */
    public void putPatch(final byte[] file) throws IOException {
        patches.put(file);
    }

    /**
     * The patch with this digest, if its file is there.
     *
     * @throws PatchFormatException if this version can not read it
     */
    public Optional<Patch> patch(final String digest) throws IOException {
        // Of a patch that is in memory only nothing would be known by the next agent.
        if (!patches.contains(digest)) {
            return Optional.empty();
        }
        final Optional<Patch> known = cache.get(digest);
        if (known.isPresent()) {
            return known;
        }
        final Optional<byte[]> file = patches.get(digest);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        final Patch patch = PatchReader.read(file.get());
        cache.put(patch, file.get().length);
        return Optional.of(patch);
    }

    /** Keeps a signature of the patch file with this digest; the last one counts. */
    public void putSignature(final String digest, final String signature) throws IOException {
        signatures.put(digest, signature.getBytes(StandardCharsets.UTF_8));
    }

    /** The signature that was kept of the patch file with this digest: whoever reads it has to verify it. */
    public Optional<String> signature(final String digest) throws IOException {
        return signatures.get(digest).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    /** Keeps what a stack consists of. */
    void putStack(final LayerStack stack) throws IOException {
        if (!stacks.use(stack.tag())) {
            stacks.put(stack.tag(), String.join("\n", stack.digests()).getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** The stack with this tag. */
    public Optional<LayerStack> stack(final String tag) throws IOException {
        return stacks.get(tag)
                .map(bytes -> new LayerStack(
                        new String(bytes, StandardCharsets.US_ASCII).lines().toList()))
                .filter(stack -> stack.tag().equals(tag));
    }

    /** Waits until no other program works on the process; closing the channel lets the next one in. */
    FileChannel lock(final long pid, final long startTime) throws IOException {
        final Path file = lockFile(pid, startTime);
        Files.createDirectories(file.getParent());
        final FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (channel.lock() == null) {
            throw new IOException("no lock on " + file);
        }
        return channel;
    }

    /** Removes the lock of a process that is gone: whoever still waits for it finds no process. */
    void forget(final long pid, final long startTime) throws IOException {
        Files.deleteIfExists(lockFile(pid, startTime));
    }

    /**
     * Removes the locks of all processes that are gone.
     *
     * @param proc the proc file system that shows the processes
     */
    public void forgetExited(final Path proc) throws IOException {
        final Path locks = directory.resolve("locks");
        if (!Files.isDirectory(locks)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(locks, "[1-9]*-*")) {
            for (final Path file : files) {
                final String[] name = file.getFileName().toString().split("-", 2);
                if (!new TargetProcess(proc, Long.parseLong(name[0]), Long.parseLong(name[1])).alive()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /** What a process has is asked for all the time. */
    private static Predicate<BoundedDirectory.Entry> notLately() {
        final Instant lately = Instant.now().minus(PatchFiles.LATELY);
        return entry -> entry.used().isBefore(lately);
    }

    private Path lockFile(final long pid, final long startTime) {
        return directory.resolve("locks").resolve(pid + "-" + startTime);
    }
}

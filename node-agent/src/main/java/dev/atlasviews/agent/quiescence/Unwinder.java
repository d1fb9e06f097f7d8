// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.LoadedFile;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Exact unwinding of snapshots by the tables in {@code .eh_frame}, as the x86-64 psABI and the DWARF standard define
 * them, with elfutils' libdw. One helper process serves all targets, one request after the other.
 */
public final class Unwinder implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    /** How many bytes of images the helper is given before it is replaced. */
    static final long MAX_IMAGES_TOTAL = 512L << 20;

    private final Map<ImageKey, Long> known = new HashMap<>();
    private long knownBytes;
    private long nextId = 1;
    private @Nullable HelperProcess helper;

    /**
     * Which file an image is: a file is the same for all processes, memory without a file belongs to one process, and so
     * does a file without a build-id, which may be rewritten unnoticed.
     */
    private record ImageKey(String file, String buildId, long pid, long startTime) {
        static ImageKey of(final TargetProcess process, final MappedImage image) {
            final boolean shared = image.first().inode() != 0 && image.buildId().isPresent();
            return new ImageKey(
                    image.first().device() + ":" + image.first().inode(),
                    image.buildId().orElse(""),
                    shared ? 0 : process.pid(),
                    shared ? 0 : process.startTime());
        }
    }

    /**
     * The frames of a snapshot. Never fails: what can not be known makes the frames incomplete, with the reason.
     *
     * @param images the code of the process, from {@link MappedImage#of}
     */
    public synchronized Frames unwind(
            final TargetProcess process, final List<MappedImage> images, final Snapshot snapshot) {
        try {
            final List<UnwindRequest.Image> places = new ArrayList<>();
            for (final MappedImage image : images) {
                final @Nullable Long id = provide(process, image);
                if (id != null) {
                    places.add(new UnwindRequest.Image(id, image.first().start(), image.end()));
                }
            }
            return helper().unwind(
                            new UnwindRequest(
                                    places,
                                    snapshot.registers().dwarf(),
                                    snapshot.registers().stackPointer(),
                                    snapshot.stack()),
                            TIMEOUT);
        } catch (final IOException e) {
            close();
            return Frames.unknown(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Starts the helper, which takes a while, before the first thread has to be judged. Returns whether there is one: without
     * it stacks are scanned, and nothing else changes.
     */
    public synchronized boolean start() {
        try {
            helper();
            return true;
        } catch (final IOException e) {
            close();
            return false;
        }
    }

    /** The helper's process id, for tests that kill it. */
    synchronized long helperPid() throws IOException {
        return helper().pid();
    }

    @Override
    public synchronized void close() {
        if (helper != null) {
            helper.close();
            helper = null;
        }
        known.clear();
        knownBytes = 0;
    }

    private HelperProcess helper() throws IOException {
        if (helper == null) {
            helper = new HelperProcess();
        }
        return helper;
    }

    /** The id under which the helper knows the image; null if the image can not be read, which leaves a gap. */
    private @Nullable Long provide(final TargetProcess process, final MappedImage image) throws IOException {
        final ImageKey key = ImageKey.of(process, image);
        final Long id = known.get(key);
        if (id != null) {
            return id;
        }
        final LoadedFile file;
        try {
            file = LoadedFile.open(process, image, UnwindProtocol.MAX_IMAGE);
        } catch (final IOException e) {
            return null;
        }
        try (file) {
            if (knownBytes + file.length() > MAX_IMAGES_TOTAL) {
                close();
            }
            helper().add(nextId, file.length(), file::writeTo, TIMEOUT);
            known.put(key, nextId);
            knownBytes += file.length();
            return nextId++;
        }
    }
}

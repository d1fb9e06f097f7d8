// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.process.UnwindImage;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Exact unwinding of snapshots by the tables in {@code .eh_frame}, as the x86-64 psABI and the DWARF standard define
 * them, with elfutils' libdw. One helper process serves all targets, one request after the other.
 */
public final class Unwinder implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    /** How many bytes of images the helper is given before it is replaced: it shares the memory of the agent's container. */
    static final long MAX_IMAGES_TOTAL = UnwindProtocol.MAX_IMAGE;
    /** What is kept of an image besides its bytes: there may be very many small ones. */
    private static final int EACH = 1 << 10;

    private final long most;
    private final Map<ImageKey, Known> known = new HashMap<>();
    private long knownSize;
    private long nextId = 1;
    private @Nullable HelperProcess helper;

    /**
     * An image that the helper has.
     *
     * @param size what it takes up, bytes
     */
    private record Known(long id, int size) {
        static Known of(final long id, final UnwindImage image) {
            return new Known(id, image.length() + EACH);
        }
    }

    /** An unwinder that may have a helper of its own. */
    public Unwinder() {
        this(MAX_IMAGES_TOTAL);
    }

    /**
     * The same with another bound.
     *
     * @param most how many bytes of images the helper may have
     */
    Unwinder(final long most) {
        this.most = most;
    }

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
            @Nullable List<UnwindRequest.Image> places = places(process, images);
            if (places == null) {
                close();
                places = Objects.requireNonNull(places(process, images), "what one process may have fits");
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
        knownSize = 0;
    }

    private HelperProcess helper() throws IOException {
        if (helper == null) {
            helper = new HelperProcess();
        }
        return helper;
    }

    /**
     * Where the helper finds the code of a process. What is too large, alone or with the rest, is left out, which leaves a gap.
     * Returns null where there is room for it in another helper only.
     */
    private @Nullable List<UnwindRequest.Image> places(final TargetProcess process, final List<MappedImage> images)
            throws IOException {
        final List<UnwindRequest.Image> places = new ArrayList<>();
        long left = most;
        for (final MappedImage image : images) {
            final ImageKey key = ImageKey.of(process, image);
            try (UnwindImage file = known.containsKey(key) ? null : open(process, image, left - EACH)) {
                if (file != null) {
                    final Known next = Known.of(nextId++, file);
                    if (knownSize + next.size() > most) {
                        return null;
                    }
                    helper().add(next.id(), file.length(), file::writeTo, TIMEOUT);
                    known.put(key, next);
                    knownSize += next.size();
                }
            }
            final Known there = known.get(key);
            if (there != null && there.size() <= left) {
                left -= there.size();
                places.add(new UnwindRequest.Image(there.id(), image.first().start(), image.end()));
            }
        }
        return places;
    }

    /** Null if the image can not be read. */
    private static @Nullable UnwindImage open(final TargetProcess process, final MappedImage image, final long most) {
        try {
            return UnwindImage.open(process, image, (int) Math.min(most, UnwindProtocol.MAX_IMAGE));
        } catch (final IOException e) {
            return null;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.process.UnwindImage;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Exact unwinding of snapshots by the tables in {@code .eh_frame}, as the x86-64 psABI and the DWARF standard define
 * them, with elfutils' libdw. One helper process serves all targets, one request after the other. Whoever waits too long for
 * a turn does without; what takes as long as a target likes, as reading its files does, is done outside of one's turn.
 */
public final class Unwinder implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    /** How many bytes of images the helper is given before it is replaced: it shares the memory of the agent's container. */
    static final long MAX_IMAGES_TOTAL = UnwindProtocol.MAX_IMAGE;
    /** What is kept of an image besides its bytes: there may be very many small ones. */
    private static final int EACH = 1 << 10;
    /** How often a process' images are handed over where other processes' have the helper replaced meanwhile. */
    private static final int ATTEMPTS = 3;

    private final long most;
    private final UnwindTables tables = new UnwindTables();
    private final HelperDeaths deaths = new HelperDeaths(System::nanoTime);
    private final ReentrantLock turn = new ReentrantLock(true);
    /** The helper's ids of the images that it has, by the digests of their bytes. */
    private final Map<String, Long> known = new HashMap<>();
    /** Images on their way to the helper, by digests: others with the same program wait for it, rather than bring it again. */
    private final Map<String, Copy> underWay = new HashMap<>();
    /** Of something that was under way. */
    private final Condition arrival = turn.newCondition();

    private long knownSize;
    private long nextId = 1;
    private @Nullable HelperProcess helper;

    /** What is done in one's turn. */
    @FunctionalInterface
    private interface Step<T> {
        T run() throws IOException;
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
     * The frames of a snapshot. Never fails: what can not be known makes the frames incomplete, with the reason.
     *
     * @param images the code of the process, from {@link MappedImage#of}; of too many the rest is left out, which leaves a gap
     */
    public Frames unwind(final TargetProcess process, final List<MappedImage> images, final Snapshot snapshot) {
        if (deaths.tooMany(process)) {
            return Frames.unknown("the unwind helper died of its stacks");
        }
        try {
            final Map<MappedImage, UnwindTables.Content> contents = tables.of(
                    process, images.subList(0, Math.min(images.size(), UnwindProtocol.MAX_IMAGES)), most, EACH);
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                for (final MappedImage image : inTurn(() -> missing(contents))) {
                    handOver(process, image, Objects.requireNonNull(contents.get(image)));
                }
                final Optional<Frames> frames = inTurn(() ->
                        missing(contents).isEmpty() ? Optional.of(ask(process, contents, snapshot)) : Optional.empty());
                if (frames.isPresent()) {
                    return frames.get();
                }
            }
            return Frames.unknown("the unwind helper is busy with others");
        } catch (final IOException e) {
            return Frames.unknown(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Starts the helper, which takes a while, before the first thread has to be judged. Returns whether there is one: without
     * it stacks are scanned, and nothing else changes.
     */
    public boolean start() {
        try {
            inTurn(this::helper);
            return true;
        } catch (final IOException e) {
            return false;
        }
    }

    /** The helper's process id, for tests that kill it. */
    long helperPid() throws IOException {
        return inTurn(this::helper).pid();
    }

    @Override
    public void close() {
        turn.lock();
        try {
            end();
        } finally {
            turn.unlock();
        }
    }

    private <T> T inTurn(final Step<T> step) throws IOException {
        try {
            if (!turn.tryLock(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("the unwind helper is busy with others");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        try {
            return step.run();
        } finally {
            turn.unlock();
        }
    }

    private HelperProcess helper() throws IOException {
        if (helper == null) {
            helper = new HelperProcess();
        }
        return helper;
    }

    private void end() {
        if (helper != null) {
            helper.close();
            helper = null;
        }
        known.clear();
        underWay.clear();
        arrival.signalAll();
        knownSize = 0;
    }

    /** Has the helper do something for a process, at which it may die. */
    private <T> T forProcess(final TargetProcess process, final Step<T> step) throws IOException {
        try {
            return step.run();
        } catch (final IOException e) {
            end();
            if (!Thread.currentThread().isInterrupted()) {
                deaths.add(process);
            }
            throw e;
        }
    }

    private Frames ask(
            final TargetProcess process, final Map<MappedImage, UnwindTables.Content> contents, final Snapshot snapshot)
            throws IOException {
        final HelperProcess asked = helper();
        final List<UnwindRequest.Image> places = contents.entrySet().stream()
                .map(content -> new UnwindRequest.Image(
                        Objects.requireNonNull(known.get(content.getValue().digest())),
                        content.getKey().first().start(),
                        content.getKey().end()))
                .toList();
        final UnwindRequest request = new UnwindRequest(
                places, snapshot.registers().dwarf(), snapshot.registers().stackPointer(), snapshot.stack());
        return forProcess(process, () -> asked.unwind(request, TIMEOUT));
    }

    /** The images that the helper does not have. */
    private List<MappedImage> missing(final Map<MappedImage, UnwindTables.Content> contents) {
        return contents.entrySet().stream()
                .filter(content -> !known.containsKey(content.getValue().digest()))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Hands an image over, unless the helper has it by now, or is replaced meanwhile. */
    private void handOver(final TargetProcess process, final MappedImage image, final UnwindTables.Content content)
            throws IOException {
        final Optional<Copy> begun = inTurn(() -> begin(process, content));
        if (begun.isEmpty()) {
            return;
        }
        final Copy copy = begun.get();
        try {
            bring(process, image, content, copy);
        } finally {
            turn.lock();
            try {
                underWay.remove(content.digest(), copy);
                arrival.signalAll();
            } finally {
                turn.unlock();
            }
        }
    }

    private void bring(
            final TargetProcess process, final MappedImage image, final UnwindTables.Content content, final Copy copy)
            throws IOException {
        final UnwindTables.Digest digest = new UnwindTables.Digest(copy);
        boolean same = false;
        try (UnwindImage file = UnwindTables.open(process, image, content.length())) {
            file.writeTo(digest.stream());
            same = digest.value().equals(content.digest());
        } finally {
            if (!same) {
                tables.forget(process, image);
            }
        }
        if (!same) {
            throw new IOException(image.first().name() + " has changed");
        }
        inTurn(() -> copy.isFor(helper) && known.putIfAbsent(content.digest(), copy.id) == null);
    }

    /**
     * What has no room beside all others' has it in another helper. What is under way, and does not come within the time, as
     * from a file that hangs, is brought once more.
     */
    private Optional<Copy> begin(final TargetProcess process, final UnwindTables.Content content) throws IOException {
        awaitArrival(content.digest());
        if (known.containsKey(content.digest())) {
            return Optional.empty();
        }
        final int size = content.length() + EACH;
        if (knownSize + size > most) {
            end();
        }
        final Copy copy = new Copy(process, helper(), nextId++, content.length());
        knownSize += size;
        underWay.put(content.digest(), copy);
        return Optional.of(copy);
    }

    private void awaitArrival(final String digest) throws IOException {
        try {
            long nanos = TIMEOUT.toNanos();
            while (underWay.containsKey(digest) && nanos > 0) {
                nanos = arrival.awaitNanos(nanos);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Takes the bytes of an image to a helper, while that is the one. */
    private final class Copy extends OutputStream {
        private final TargetProcess process;
        private final HelperProcess to;
        private final long id;
        private final int length;
        private int at;

        Copy(final TargetProcess process, final HelperProcess to, final long id, final int length) {
            this.process = process;
            this.to = to;
            this.id = id;
            this.length = length;
        }

        boolean isFor(final @Nullable HelperProcess now) {
            return to == now;
        }

        @Override
        public void write(final int one) throws IOException {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(final byte[] bytes, final int offset, final int size) throws IOException {
            for (int done = 0; done < size; done += UnwindProtocol.MAX_PIECE) {
                final int next = Math.min(size - done, UnwindProtocol.MAX_PIECE);
                final UnwindProtocol.Piece piece = new UnwindProtocol.Piece(
                        id, length, at, Arrays.copyOfRange(bytes, offset + done, offset + done + next));
                inTurn(() -> isFor(helper) && forProcess(process, () -> to.add(piece, TIMEOUT)));
                at += next;
            }
        }
    }
}

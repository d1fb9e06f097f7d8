// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Judges the snapshots of one process. */
public final class QuiescenceCheck implements StackCheck {
    private static final Duration REFRESH = Duration.ofSeconds(1);

    private final Unwinder unwinder;
    private final TargetProcess process;
    private final Map<AddressRange, byte[]> code = new HashMap<>();
    private List<MappedImage> images;
    private List<Mapping> mappings;
    private long refreshed = System.nanoTime();

    /**
     * For the process as it is mapped now; what it maps later is looked for when a stack leads through it, or can not be
     * unwound.
     */
    public QuiescenceCheck(final Unwinder unwinder, final TargetProcess process) throws IOException {
        this.unwinder = unwinder;
        this.process = process;
        this.images = MappedImage.of(process);
        this.mappings = process.mappings();
    }

    @Override
    public Quiescence check(final Snapshot snapshot, final List<AddressRange> bodies) throws IOException {
        Frames frames = unwinder.unwind(process, images, snapshot);
        if (frames.complete() ? !areAsUnwound(frames.addresses()) : System.nanoTime() - refreshed > REFRESH.toNanos()) {
            images = MappedImage.of(process);
            mappings = process.mappings();
            refreshed = System.nanoTime();
            frames = unwinder.unwind(process, images, snapshot);
        }
        for (final long address : frames.addresses()) {
            if (bodies.stream().anyMatch(body -> body.contains(address))) {
                return new Quiescence.Held(address, "active on its stack");
            }
        }
        final boolean ownStack = OwnStack.contains(process, mappings, snapshot);
        if (frames.complete() && ownStack) {
            return new Quiescence.Reached(true);
        }
        // Frames that end on another stack say nothing of what waits on the thread's own.
        return scan(snapshot, ownStack, bodies, frames.complete() ? "it is not on its own stack" : frames.reason());
    }

    /**
     * Whether the code that the frames lead through is still that by whose tables they were found. By the tables of a library
     * that was replaced at the same address a stack seems to end anywhere. While the thread sleeps in it, a library stays, so
     * that a look after the snapshot is enough; and with the same build-id its tables are the same.
     */
    private boolean areAsUnwound(final List<Long> addresses) throws IOException {
        final List<MappedImage> uncertain = new ArrayList<>();
        for (final MappedImage image : images) {
            if (addresses.stream().anyMatch(image::contains) && !image.isCertainlyThere(process)) {
                uncertain.add(image);
            }
        }
        return uncertain.isEmpty()
                || MappedImage.of(process, mapping -> uncertain.stream().anyMatch(image -> image.isOfFile(mapping)))
                        .containsAll(uncertain);
    }

    private Quiescence scan(
            final Snapshot snapshot, final boolean ownStack, final List<AddressRange> bodies, final String why)
            throws IOException {
        final long pc = snapshot.registers().programCounter();
        if (bodies.stream().anyMatch(body -> body.contains(pc))) {
            return new Quiescence.Held(pc, "executing");
        }
        if (!snapshot.whole() || !ownStack) {
            return new Quiescence.Held(0, "its stack can not be seen whole: " + why);
        }
        final ByteBuffer words = ByteBuffer.wrap(snapshot.stack()).order(ByteOrder.LITTLE_ENDIAN);
        final long start = snapshot.registers().stackPointer();
        // Return addresses are aligned, whatever the stack pointer is.
        final int unaligned = (int) (-start & Long.BYTES - 1);
        words.position(Math.min(unaligned, words.limit()));
        long previous = 0;
        while (words.remaining() >= Long.BYTES) {
            final long slot = start + words.position();
            final long word = words.getLong();
            if (follows(previous, slot, snapshot.stackEnd()) && bodies.stream().anyMatch(body -> body.contains(word))) {
                return new Quiescence.Held(word, "where a signal interrupted it (" + why + ")");
            }
            final Optional<AddressRange> body =
                    bodies.stream().filter(range -> range.contains(word - 1)).findFirst();
            if (body.isPresent() && isReturnSite(body.get(), word)) {
                return new Quiescence.Held(word - 1, "a return address on its stack (" + why + ")");
            }
            previous = word;
        }
        return new Quiescence.Reached(false);
    }

    /**
     * Whether a word is where a signal frame has the interrupted instruction pointer: right behind the interrupted stack
     * pointer, which is above the frame. That need not follow a call.
     */
    private static boolean follows(final long previous, final long slot, final long stackEnd) {
        return Long.compareUnsigned(previous, slot) > 0 && Long.compareUnsigned(previous, stackEnd) <= 0;
    }

    private boolean isReturnSite(final AddressRange body, final long address) throws IOException {
        byte[] bytes = code.get(body);
        if (bytes == null) {
            bytes = process.read(body.start(), Math.toIntExact(body.end() - body.start()));
            code.put(body, bytes);
        }
        return ReturnSites.isReturnSite(bytes, (int) (address - body.start()));
    }
}

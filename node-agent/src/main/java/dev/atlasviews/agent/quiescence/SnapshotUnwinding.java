// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Unwinds stacks, one after the other, from registers, stack bytes and ELF images alone. Runs in the helper. */
final class SnapshotUnwinding implements Libdw.Target {
    private static final UnwindRequest NOTHING = new UnwindRequest(List.of(), List.of(), 0, new byte[0]);

    private final Map<Long, MemorySegment> images = new HashMap<>();
    private final Map<Long, MemorySegment> imagesByStart = new HashMap<>();
    private final List<Long> addresses = new ArrayList<>();
    private final Libdw libdw;

    private UnwindRequest request = NOTHING;
    private ByteBuffer stack = ByteBuffer.allocate(0);
    private MemorySegment session = MemorySegment.NULL;
    private String trouble = "";

    SnapshotUnwinding() throws Throwable {
        this.libdw = new Libdw(this);
    }

    /** Keeps a part of an image for the requests that name it, where the Java heap, which may be smaller, does not bound it. */
    void add(final UnwindProtocol.Piece piece) {
        final MemorySegment image =
                images.computeIfAbsent(piece.id(), id -> Arena.ofAuto().allocate(Math.max(piece.length(), 1), 16));
        MemorySegment.copy(piece.bytes(), 0, image, JAVA_BYTE, piece.at(), piece.bytes().length);
    }

    Frames unwind(final UnwindRequest next) throws Throwable {
        request = next;
        stack = ByteBuffer.wrap(next.stack()).order(ByteOrder.LITTLE_ENDIAN);
        addresses.clear();
        imagesByStart.clear();
        trouble = "";
        session = libdw.begin();
        try (Arena arena = Arena.ofConfined()) {
            for (final UnwindRequest.Image image : next.images()) {
                final MemorySegment bytes = images.get(image.id());
                if (bytes != null
                        && libdw.reportModule(
                                session,
                                arena.allocateFrom(Long.toHexString(image.start())),
                                image.start(),
                                image.end())) {
                    imagesByStart.put(image.start(), bytes);
                }
            }
            libdw.reportEnd(session);
            if (!libdw.attach(session)) {
                return Frames.unknown(libdw.error());
            }
            final int result = libdw.frames(session);
            if (result != 0 && trouble.isEmpty()) {
                trouble = libdw.error();
            }
            return new Frames(trouble.isEmpty(), addresses, trouble);
        } finally {
            libdw.end(session);
        }
    }

    @Override
    public @Nullable MemorySegment image(final long start) {
        return imagesByStart.get(start);
    }

    @Override
    public @Nullable Long word(final long address) {
        final long offset = address - request.stackStart();
        if (offset < 0 || offset > stack.limit() - Long.BYTES) {
            // libdw takes a frame whose return address it can not read for the outermost one
            trouble = "the stack goes on at 0x%x, which was not seen".formatted(address);
            return null;
        }
        return stack.getLong((int) offset);
    }

    @Override
    public long[] registers() {
        return request.registers().stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public boolean frame(final MemorySegment frame) {
        try {
            final Long address = libdw.executing(frame);
            if (address == null) {
                trouble = "a frame without a program counter";
                return false;
            }
            addresses.add(address);
            if (!libdw.described(session, address)) {
                trouble = "no unwind table for 0x%x".formatted(address);
                return false;
            }
            if (addresses.size() >= UnwindProtocol.MAX_FRAMES) {
                trouble = "more than %d frames".formatted(UnwindProtocol.MAX_FRAMES);
                return false;
            }
            return true;
        } catch (final Throwable e) {
            trouble = e.toString();
            return false;
        }
    }
}

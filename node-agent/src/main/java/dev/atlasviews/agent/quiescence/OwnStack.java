// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Whether a stack pointer is in the thread's own stack, so that nothing hides on another one.
 *
 * <p>libc puts the descriptor of a thread that it makes, which the thread pointer points to, at the top of the thread's
 * stack. The first thread of a program has a stack with a name, and its descriptor somewhere else, perhaps right above memory
 * that became an alternate stack. But the first thread of a child that such another thread forked goes on, on a copy of that
 * thread's stack. Its descriptor says where that lies, as glibc writes it there: start and length, one after the other.
 */
final class OwnStack {
    private static final int PAGE = 4096;
    /** At least as long as a descriptor. */
    private static final int DESCRIPTOR = 4096;

    private OwnStack() {}

    static boolean contains(final TargetProcess process, final List<Mapping> mappings, final Snapshot snapshot)
            throws IOException {
        if (snapshot.tid() == process.pid()) {
            return isNamed(mappings, snapshot)
                    || (isBelowDescriptor(snapshot) && isDescribed(process, mappings, snapshot));
        }
        return isBelowDescriptor(snapshot);
    }

    private static boolean isNamed(final List<Mapping> mappings, final Snapshot snapshot) {
        return mappings.stream()
                .anyMatch(mapping -> mapping.name().equals("[stack]")
                        && Long.compareUnsigned(snapshot.registers().stackPointer(), mapping.end()) < 0
                        && mapping.end() == snapshot.stackEnd());
    }

    private static boolean isBelowDescriptor(final Snapshot snapshot) {
        final long descriptor = snapshot.registers().fsBase();
        return Long.compareUnsigned(descriptor, snapshot.registers().stackPointer()) >= 0
                && Long.compareUnsigned(descriptor, snapshot.stackEnd()) < 0;
    }

    /** Whether the descriptor names a block of memory that has both the stack pointer and itself in it. */
    private static boolean isDescribed(
            final TargetProcess process, final List<Mapping> mappings, final Snapshot snapshot) throws IOException {
        final long descriptor = snapshot.registers().fsBase();
        final int length = (int) Math.min(snapshot.stackEnd() - descriptor, DESCRIPTOR);
        final ByteBuffer words =
                ByteBuffer.wrap(process.read(descriptor, length)).order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= 2 * Long.BYTES) {
            final long start = words.getLong();
            final long end = start + words.getLong(words.position());
            if (start % PAGE == 0
                    && Long.compareUnsigned(start, snapshot.registers().stackPointer()) <= 0
                    && Long.compareUnsigned(end, descriptor) > 0
                    && Long.compareUnsigned(end, snapshot.stackEnd()) <= 0
                    && isMapped(mappings, start)) {
                return true;
            }
        }
        return false;
    }

    /** Small numbers of the descriptor are no addresses. */
    private static boolean isMapped(final List<Mapping> mappings, final long address) {
        return mappings.stream()
                .anyMatch(mapping -> Long.compareUnsigned(mapping.start(), address) <= 0
                        && Long.compareUnsigned(address, mapping.end()) < 0);
    }
}

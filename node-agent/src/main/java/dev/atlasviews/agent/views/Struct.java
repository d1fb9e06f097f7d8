// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;

/** One native structure and its layout: its members by name. */
record Struct(StructLayout layout, MemorySegment segment) {

    /** A zeroed structure. */
    static Struct of(final StructLayout layout, final SegmentAllocator allocator) {
        return new Struct(layout, allocator.allocate(layout));
    }

    /** Element {@code index} of an array of such structures. */
    static Struct at(final StructLayout layout, final MemorySegment array, final long index) {
        return new Struct(layout, array.asSlice(index * layout.byteSize(), layout.byteSize()));
    }

    Struct with(final String member, final int value) {
        segment.set(JAVA_INT, offset(member), value);
        return this;
    }

    Struct with(final String member, final long value) {
        segment.set(JAVA_LONG, offset(member), value);
        return this;
    }

    Struct with(final String member, final MemorySegment pointer) {
        return with(member, pointer.address());
    }

    Struct with(final String member, final byte[] value) {
        MemorySegment.copy(value, 0, segment, JAVA_BYTE, offset(member), value.length);
        return this;
    }

    int getInt(final String member) {
        return segment.get(JAVA_INT, offset(member));
    }

    long getLong(final String member) {
        return segment.get(JAVA_LONG, offset(member));
    }

    byte[] getBytes(final String member) {
        final MemoryLayout.PathElement path = MemoryLayout.PathElement.groupElement(member);
        return segment.asSlice(layout.byteOffset(path), layout.select(path).byteSize())
                .toArray(JAVA_BYTE);
    }

    /** A NUL-padded string; what is no UTF-8 is replaced. */
    String getString(final String member) {
        final byte[] bytes = getBytes(member);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    Struct member(final String member, final StructLayout memberLayout) {
        return new Struct(memberLayout, segment.asSlice(offset(member), memberLayout.byteSize()));
    }

    private long offset(final String member) {
        return layout.byteOffset(MemoryLayout.PathElement.groupElement(member));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** An area of a patch while it grows. */
final class AreaBuffer {
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    private final Map<Long, byte[]> overwritten = new TreeMap<>();
    private final List<PatchRelocation> relocations = new ArrayList<>();
    private final byte padding;

    /** An area whose gaps are filled with a byte. */
    AreaBuffer(final int padding) {
        this.padding = (byte) padding;
    }

    /** Appends bytes at the next offset that is {@code remainder} modulo the alignment; returns that offset. */
    long append(final byte[] bytes, final long alignment, final long remainder) {
        while (content.size() % Math.max(1, alignment) != remainder) {
            content.write(padding);
        }
        final long offset = content.size();
        content.writeBytes(bytes);
        return offset;
    }

    /** Replaces bytes that were appended before. */
    void overwrite(final long offset, final byte[] bytes) {
        overwritten.put(offset, bytes);
    }

    void relocate(
            final long offset, final PatchRelocation.Kind kind, final RelocationTarget target, final long addend) {
        relocations.add(new PatchRelocation(offset, kind, target, addend));
    }

    /** The finished area; zeros at its end are not stored. */
    PatchArea finish() {
        final byte[] bytes = content.toByteArray();
        overwritten.forEach(
                (offset, value) -> System.arraycopy(value, 0, bytes, Math.toIntExact(offset), value.length));
        int end = bytes.length;
        final long used = relocations.stream()
                .mapToLong(relocation -> relocation.offset() + relocation.kind().width())
                .max()
                .orElse(0);
        while (end > used && bytes[end - 1] == 0) {
            end--;
        }
        relocations.sort(Comparator.comparingLong(PatchRelocation::offset));
        return new PatchArea(Arrays.copyOf(bytes, end), bytes.length, relocations);
    }
}

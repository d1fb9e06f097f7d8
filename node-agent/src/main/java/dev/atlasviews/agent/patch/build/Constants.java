// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSection;
import java.util.Arrays;

/** Elements of mergeable sections: strings, and constants of one size. */
final class Constants {
    private Constants() {}

    /**
     * An element, or the rest of a string.
     *
     * @param content its bytes
     * @param inside where in it the reference points
     */
    @SuppressWarnings("ArrayRecordComponent") // compared below
    record Element(byte[] content, long inside) {}

    /** The element that an offset in a mergeable section refers to. */
    static Element element(final ObjectFile object, final ElfSection section, final long offset)
            throws ElfFormatException {
        final long width = Math.max(1, section.entrySize());
        if (section.has(Elf.SHF_STRINGS)) {
            return new Element(string(object.slice(section, offset, section.size() - offset), (int) width), 0);
        }
        final long start = Math.floorDiv(offset, width) * width;
        return new Element(object.slice(section, start, width), offset - start);
    }

    static boolean sameElement(
            final ObjectFile before,
            final ElfSection old,
            final long oldOffset,
            final ObjectFile after,
            final ElfSection now,
            final long newOffset)
            throws ElfFormatException {
        final Element then = element(before, old, oldOffset);
        final Element here = element(after, now, newOffset);
        return then.inside() == here.inside() && Arrays.equals(then.content(), here.content());
    }

    private static byte[] string(final byte[] rest, final int width) {
        for (int at = 0; at + width <= rest.length; at += width) {
            boolean end = true;
            for (int i = 0; i < width; i++) {
                end &= rest[at + i] == 0;
            }
            if (end) {
                return Arrays.copyOf(rest, at + width);
            }
        }
        return rest;
    }
}

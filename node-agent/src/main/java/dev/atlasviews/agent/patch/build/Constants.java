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
     * @param inside where the reference points, from the start of the content; code may count from before it
     */
    @SuppressWarnings("ArrayRecordComponent") // compared below
    record Element(byte[] content, long inside) {}

    /** The element that a place in a mergeable section refers to. */
    static Element element(final ObjectFile object, final Place.Anonymous place) throws ElfFormatException {
        final ElfSection section = place.section();
        final long width = Math.max(1, section.entrySize());
        if (section.has(Elf.SHF_STRINGS)) {
            final byte[] rest = object.slice(section, place.anchor(), section.size() - place.anchor());
            return new Element(string(rest, (int) width), place.offset() - place.anchor());
        }
        final long start = Math.floorDiv(place.anchor(), width) * width;
        return new Element(object.slice(section, start, width), place.offset() - start);
    }

    static boolean sameElement(
            final ObjectFile before, final Place.Anonymous old, final ObjectFile after, final Place.Anonymous now)
            throws ElfFormatException {
        final Element then = element(before, old);
        final Element here = element(after, now);
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

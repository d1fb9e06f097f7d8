// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.List;

/**
 * The content of one area before relocation.
 *
 * @param content not copied, not to be modified
 * @param size bytes to map, at least {@code content.length}; the rest is zero
 * @param relocations in ascending order of offset, inside {@code content}
 */
@SuppressWarnings("ArrayRecordComponent") // patches are big and are compared by digest
public record PatchArea(byte[] content, long size, List<PatchRelocation> relocations) {
    /** An area that is not there. */
    public static final PatchArea EMPTY = new PatchArea(new byte[0], 0, List.of());

    /** Checks the size and takes a copy of the list. */
    public PatchArea {
        if (size < content.length) {
            throw new IllegalArgumentException("area of " + size + " bytes with " + content.length + " bytes content");
        }
        relocations = List.copyOf(relocations);
    }
}

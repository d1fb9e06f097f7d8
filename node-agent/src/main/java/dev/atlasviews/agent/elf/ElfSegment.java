// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.elf;

/** A program header; sizes and offsets in bytes. */
public record ElfSegment(
        int type, int flags, long offset, long address, long fileSize, long memorySize, long alignment) {
    /** Whether the file holds the bytes of this range of link-time addresses. */
    public boolean holds(final long start, final long size) {
        return start >= address && size >= 0 && size <= fileSize && start - address <= fileSize - size;
    }
}

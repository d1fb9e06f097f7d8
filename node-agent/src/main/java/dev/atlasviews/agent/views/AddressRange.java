// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/**
 * Addresses of a process.
 *
 * @param start the first
 * @param end the one after the last
 */
public record AddressRange(long start, long end) implements Comparable<AddressRange> {

    /** Checks the order. */
    public AddressRange {
        if (Long.compareUnsigned(start, end) > 0) {
            throw new IllegalArgumentException("range ends before it starts: %x-%x".formatted(start, end));
        }
    }

    /** Whether the address lies in the range. */
    public boolean contains(final long address) {
        return Long.compareUnsigned(address, start) >= 0 && Long.compareUnsigned(address, end) < 0;
    }

    @Override
    public int compareTo(final AddressRange other) {
        final int byStart = Long.compareUnsigned(start, other.start);
        return byStart != 0 ? byStart : Long.compareUnsigned(end, other.end);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/**
 * Run-time start addresses of the three areas, page-aligned and within ±2 GiB of the program and of each other. The
 * address of an area whose size is zero is not used.
 */
public record AreaAddresses(long text, long constants, long data) {
    /** The start of one area. */
    public long of(final AreaKind kind) {
        return switch (kind) {
            case TEXT -> text;
            case CONSTANTS -> constants;
            case DATA -> data;
        };
    }
}

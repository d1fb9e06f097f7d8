// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/** Sizes of the three areas in bytes, known before their addresses are chosen; 0 where a patch has no such area. */
public record AreaSizes(long text, long constants, long data) {
    /** The size of one area. */
    public long of(final AreaKind kind) {
        return switch (kind) {
            case TEXT -> text;
            case CONSTANTS -> constants;
            case DATA -> data;
        };
    }
}

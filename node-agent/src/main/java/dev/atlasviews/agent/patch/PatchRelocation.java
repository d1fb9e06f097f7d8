// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

/**
 * One field to fill in when the addresses are known.
 *
 * @param offset of the field in its area
 * @param kind width and meaning
 * @param target what it refers to
 * @param addend added to the target's address
 */
public record PatchRelocation(long offset, Kind kind, RelocationTarget target, long addend) {
    /** The field formats, a subset of the x86-64 psABI's (section 4.4) that all patches get by with. */
    public enum Kind {
        /** 32 bits, relative to the field's own address. */
        PC32(4),
        /** 64 bits, absolute. */
        ABS64(8),
        /** 32 bits, absolute, zero-extended; in position-dependent programs only. */
        ABS32(4),
        /** 32 bits, absolute, sign-extended; in position-dependent programs only. */
        ABS32S(4);

        private final int width;

        Kind(final int width) {
            this.width = width;
        }

        /** The field's width in bytes. */
        public int width() {
            return width;
        }
    }
}

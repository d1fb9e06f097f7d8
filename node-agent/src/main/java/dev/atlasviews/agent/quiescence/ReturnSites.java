// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import java.util.stream.IntStream;

/** Recognises where calls return to, from the bytes before (Intel SDM volume 2, CALL: {@code E8} and {@code FF /2}). */
final class ReturnSites {
    private static final int CALL_NEAR = 0xe8;
    private static final int CALL_NEAR_LENGTH = 5;
    private static final int GROUP_5 = 0xff;
    private static final int LONGEST_INDIRECT = 7;
    private static final int BREAKPOINT = 0xcc;

    private ReturnSites() {}

    /**
     * Whether the bytes before the offset can be read as a call instruction that ends there. Code can be read in more
     * than one way, and a breakpoint may stand where a call begins, so this says yes too often rather than too rarely.
     */
    static boolean isReturnSite(final byte[] code, final int offset) {
        if (offset >= CALL_NEAR_LENGTH && (code[offset - CALL_NEAR_LENGTH] & 0xff) == CALL_NEAR) {
            return true;
        }
        if (hasBreakpoint(code, Math.max(offset - LONGEST_INDIRECT, 0), offset)) {
            return true;
        }
        for (int length = 2; length <= Math.min(LONGEST_INDIRECT, offset); length++) {
            final int start = offset - length;
            if ((code[start] & 0xff) == GROUP_5 && indirectCallLength(code, start) == length) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasBreakpoint(final byte[] code, final int from, final int to) {
        return IntStream.range(from, to).anyMatch(at -> (code[at] & 0xff) == BREAKPOINT);
    }

    /** Length of the instruction at the offset if it is {@code FF /2}; else 0. A prefix before it changes nothing. */
    private static int indirectCallLength(final byte[] code, final int offset) {
        final int modRm = code[offset + 1] & 0xff;
        final int mode = modRm >> 6;
        final int memory = modRm & 7;
        if ((modRm >> 3 & 7) != 2) {
            return 0;
        }
        if (mode == 3) {
            return 2;
        }
        final boolean sib = memory == 4;
        if (sib && offset + 2 >= code.length) {
            return 0;
        }
        final boolean noBase = sib && (code[offset + 2] & 7) == 5;
        final int displacement = switch (mode) {
            case 0 -> memory == 5 || noBase ? 4 : 0;
            case 1 -> 1;
            default -> 4;
        };
        return 2 + (sib ? 1 : 0) + displacement;
    }
}

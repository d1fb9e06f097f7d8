// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A patch with all addresses filled in, for one process. Arrays are not copied and not to be modified.
 *
 * @param text content of the text area
 * @param constants content of the constants area
 * @param data initial content of the data area; the rest of the area, up to its size, is zero
 * @param jumps what to write into the patched view
 * @param bodies the code that differs between base and patched view: what quiescence is about
 * @param variables what the patch adds
 */
@SuppressWarnings("ArrayRecordComponent") // big, and never compared
public record LinkedPatch(
        byte[] text, byte[] constants, byte[] data, List<Jump> jumps, List<Body> bodies, List<Variable> variables) {
    /** Takes copies of the lists. */
    public LinkedPatch {
        jumps = List.copyOf(jumps);
        bodies = List.copyOf(bodies);
        variables = List.copyOf(variables);
    }

    /**
     * A variable that the patch adds, or that an earlier version of it added.
     *
     * @param program build-id of the program whose patch it is of
     * @param variable what it is, as the patch has it
     * @param address where it lies
     */
    public record Variable(String program, PatchVariable variable, long address) {}

    /**
     * A jump to write at the entry of a replaced function.
     *
     * @param address run-time address of the first byte to overwrite
     * @param code the 5 bytes {@code e9 rel32}
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Jump(String function, long address, byte[] code) {}

    /**
     * Run-time ranges of a function's old and new code, ends exclusive; an empty range (start = end) where there is no
     * such body. A cold part is a body of its own.
     *
     * @param oldSha256 of the old range's bytes in the program file; empty when there is no old body
     * @param notExcludable why a thread may not stay in a body when it moves; null if it may
     * @param newFrame where the new body's description for unwinders lies; 0 if no exception may meet it
     */
    public record Body(
            String function,
            long oldStart,
            long oldEnd,
            String oldSha256,
            long newStart,
            long newEnd,
            @Nullable String notExcludable,
            long newFrame) {}
}

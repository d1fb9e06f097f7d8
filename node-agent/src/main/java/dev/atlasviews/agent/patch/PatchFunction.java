// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A function of a patch, or the cold part that the compiler split off one: what it was, what it becomes. New functions
 * have no old body; code that is no longer needed, but that a thread must have left, has no new one.
 *
 * @param name the symbol
 * @param unit the translation unit
 */
public record PatchFunction(
        String name,
        String unit,
        @Nullable OldBody oldBody,
        @Nullable NewBody newBody) {
    /** Checks that nothing is missing. */
    public PatchFunction {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(unit, "unit");
    }

    /**
     * Code of the running program that must not run in the patched view.
     *
     * @param address link-time address
     * @param size in bytes
     * @param sha256 of the bytes in the program file, lower-case hexadecimal; process memory must hold the same
     * @param jumpOffset where the 5-byte jump goes, from the start: 0, or 4 after an {@code endbr64}; {@link #NO_JUMP} for code
     *     that nothing enters in the patched view: a cold part, which is entered from its function only, or what is gone
     * @param notExcludable why a thread may not stay in this function when it moves; null if it may
     */
    public record OldBody(
            long address,
            long size,
            String sha256,
            int jumpOffset,
            @Nullable String notExcludable) {
        /** No jump leads out of this body. */
        public static final int NO_JUMP = -1;

        /** Checks that nothing is missing. */
        public OldBody {
            Objects.requireNonNull(sha256, "sha256");
        }
    }

    /**
     * Where the new code lies in the patch's text area.
     *
     * @param frame where its description for unwinders lies in the constants area: a record of {@code .eh_frame}; null if
     *     no exception may meet it
     */
    public record NewBody(long offset, long size, @Nullable Long frame) {}
}

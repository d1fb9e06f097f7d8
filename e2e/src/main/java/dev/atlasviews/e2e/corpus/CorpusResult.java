// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of a fix.
 *
 * @param name of the source package
 * @param version Debian's, as the archive gave it
 * @param base how the tree without the fix was made
 * @param outcome built, or not
 * @param reason the builder's, in one word; empty where it was built
 * @param message the builder's, in full; where it was built, what its author had to allow
 * @param parts one for each program or library that the fix changes
 * @param application what became of the patch in a running program; null where that was not tried
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record CorpusResult(
        String name,
        String version,
        CorpusFix fix,
        String base,
        Outcome outcome,
        String reason,
        String message,
        List<Part> parts,
        @Nullable Application application) {
    /** Takes a copy of the list. */
    CorpusResult {
        parts = List.copyOf(parts);
    }

    /** The same, with what became of it in a running program. */
    CorpusResult applied(final @Nullable Application tried) {
        return new CorpusResult(name, version, fix, base, outcome, reason, message, parts, tried);
    }

    /** Whether there is a patch. */
    enum Outcome {
        /** For every program and library that the fix changes. */
        BUILT,
        /** The builder would not, for at least one of them. */
        REFUSED,
        /** Judged to change nothing of what is built, and not built. */
        LEFT_OUT,
        /** Built, and no program or library is changed by it. */
        NO_CODE,
        /** The source did not compile, or the fix could not be taken out. */
        FAILED
    }

    /**
     * A patch of one program or library.
     *
     * @param bytes size of the patch file
     * @param replaced functions
     * @param added functions
     * @param text bytes of code
     */
    record Part(String target, long bytes, int replaced, int added, long text) {}
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonProperty.Access;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One of a package's {@code debian/patches}, judged by reading it, before anything was built.
 *
 * @param patch its name in the series
 * @param kind what it changes
 * @param reason how one sees that
 * @param run how the program is run to be patched; null: as for the package's other fixes
 * @param verify shell command that succeeds only where the fix works; null if there is none
 */
public record CorpusFix(
        String patch,
        Kind kind,
        String reason,
        @JsonProperty(access = Access.WRITE_ONLY) @Nullable CorpusRun run,
        @JsonProperty(access = Access.WRITE_ONLY) @Nullable String verify) {
    /** Checks that nothing is missing. */
    public CorpusFix {
        Objects.requireNonNull(patch, "patch");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(reason, "reason");
    }

    /** What a fix changes, of what is in memory while the program runs. */
    public enum Kind {
        /** Functions, constants that only they use, and what is new. */
        @JsonProperty("text")
        TEXT,
        /** Also the layout or content of data that exists. */
        @JsonProperty("data")
        DATA,
        /** Nothing of what the package's binaries consist of: tests, documentation, code that Debian does not compile. */
        @JsonProperty("none")
        NONE
    }
}

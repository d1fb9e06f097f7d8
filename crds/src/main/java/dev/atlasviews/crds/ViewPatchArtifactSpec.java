// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A patch file.
 *
 * @param description what the patch does, for humans
 * @param content the file in base64, at most 1 MiB of it
 * @param signatures who vouches for the patch file: the text of signature files
 */
@ApiRecord
public record ViewPatchArtifactSpec(@Nullable String description, String content, List<String> signatures) {
    /** Gives what is not given the defaults of the schema. */
    public ViewPatchArtifactSpec {
        signatures = signatures == null ? List.of() : List.copyOf(signatures);
    }

    /** A patch file that nobody vouches for. */
    public ViewPatchArtifactSpec(final @Nullable String description, final String content) {
        this(description, content, List.of());
    }

    /**
     * The patch file.
     *
     * @throws IllegalArgumentException if the content is not base64
     */
    public byte[] file() {
        return Base64.getDecoder().decode(content);
    }
}

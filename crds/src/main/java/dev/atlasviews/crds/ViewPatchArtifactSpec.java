// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A patch file.
 *
 * @param description what the patch does, for humans
 * @param content the file in base64, at most 1 MiB of it
 */
@ApiRecord
public record ViewPatchArtifactSpec(@Nullable String description, String content) {
    /**
     * The patch file.
     *
     * @throws IllegalArgumentException if the content is not base64
     */
    public byte[] file() {
        return Base64.getDecoder().decode(content);
    }
}

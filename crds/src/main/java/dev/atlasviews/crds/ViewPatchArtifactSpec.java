// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A patch file, or where it lies.
 *
 * @param description what the patch does, for humans
 * @param content the file in base64, at most 1 MiB of it; null where it lies in a registry
 * @param oci where it lies in a registry; null where it is here
 * @param signatures who vouches for the patch file: the text of signature files; what is in a registry may have more there
 */
@ApiRecord
public record ViewPatchArtifactSpec(
        @Nullable String description,
        @Nullable String content,
        @Nullable OciSource oci,
        List<String> signatures) {
    /** Gives what is not given the defaults of the schema. */
    public ViewPatchArtifactSpec {
        signatures = signatures == null ? List.of() : List.copyOf(signatures);
    }

    /** A patch file that is carried in the object. */
    public ViewPatchArtifactSpec(
            final @Nullable String description, final String content, final List<String> signatures) {
        this(description, content, null, signatures);
    }

    /** A patch file that is carried in the object and that nobody vouches for. */
    public ViewPatchArtifactSpec(final @Nullable String description, final String content) {
        this(description, content, List.of());
    }

    /** A patch file that lies in a registry, with what vouches for it. */
    public static ViewPatchArtifactSpec inRegistry(final @Nullable String description, final String reference) {
        return new ViewPatchArtifactSpec(description, null, new OciSource(reference), List.of());
    }

    /**
     * The patch file that is carried here.
     *
     * @throws IllegalArgumentException if there is none, or the content is not base64; the message says what it should be
     */
    public byte[] file() {
        if (content == null || oci != null) {
            throw new IllegalArgumentException("it has to have either content or oci");
        }
        try {
            return Base64.getDecoder().decode(content);
        } catch (final IllegalArgumentException e) {
            throw new IllegalArgumentException("its content is not base64: " + e.getMessage(), e);
        }
    }

    /**
     * Where the patch file lies, if not here.
     *
     * @throws IllegalArgumentException if it is here too, or the reference is none; the message says what is wrong
     */
    public @Nullable OciReference reference() {
        if (oci == null) {
            return null;
        }
        if (content != null) {
            throw new IllegalArgumentException("it has both content and oci");
        }
        return OciReference.parse(oci.reference());
    }
}

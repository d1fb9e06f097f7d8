// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * How a patch lies in a registry: as an artifact with one layer that is the patch file, and one for each signature of it.
 * Whoever pushes and whoever pulls have to agree on it.
 */
public final class OciPatch {
    /** The media type of the layer with the patch file, and the type of the artifact. */
    public static final String PATCH_MEDIA_TYPE = "application/vnd.atlasviews.viewpatch.v1";
    /** The media type of a layer with a signature file. */
    public static final String SIGNATURE_MEDIA_TYPE = "application/vnd.atlasviews.signature.v1";
    /** The largest patch file, in bytes. */
    public static final int MAX_PATCH = 16 << 20;
    /** The largest signature file, in bytes. */
    public static final int MAX_SIGNATURE = 4096;
    /** The most signatures of one patch. */
    public static final int MAX_SIGNATURES = 16;

    private OciPatch() {}
}

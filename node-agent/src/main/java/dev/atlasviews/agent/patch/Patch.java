// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.List;

/**
 * A patch as read from its file.
 *
 * @param digest SHA-256 of the whole file, lower-case hexadecimal: the patch's identity
 * @param basedOn digests of the patches on top of which it was built; it may only be used above them
 * @param targets one for each program file that it changes
 */
public record Patch(String digest, List<String> basedOn, List<PatchTarget> targets) {
    /** The version of the file format that this code reads and writes. */
    public static final int FORMAT_VERSION = 1;

    /** Takes copies of the lists. */
    public Patch {
        basedOn = List.copyOf(basedOn);
        targets = List.copyOf(targets);
    }
}

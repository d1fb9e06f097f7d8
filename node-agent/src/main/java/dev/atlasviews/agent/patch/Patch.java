// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.List;

/**
 * A patch as read from its file.
 *
 * @param digest SHA-256 of the whole file, lower-case hexadecimal: the patch's identity
 * @param basedOn digests of the patches on top of which it was built; it may only be used above them
 * @param targets one for each program file that it changes
 * @param warnings what its builder left to people to judge, a line each
 */
public record Patch(String digest, List<String> basedOn, List<PatchTarget> targets, List<String> warnings) {
    /** The newest version of the file format, which tells what refers to which variable. */
    public static final int FORMAT_VERSION = 3;

    /** The version that has unwind tables. */
    static final int FRAMES_FORMAT_VERSION = 2;

    /** The version that patches with neither are written in. */
    static final int FIRST_FORMAT_VERSION = 1;

    /** Takes copies of the lists. */
    public Patch {
        basedOn = List.copyOf(basedOn);
        targets = List.copyOf(targets);
        warnings = List.copyOf(warnings);
    }

    /** A patch without warnings. */
    public Patch(final String digest, final List<String> basedOn, final List<PatchTarget> targets) {
        this(digest, basedOn, targets, List.of());
    }

    /** The oldest version of the format that can say what these targets need. */
    static int formatVersion(final List<PatchTarget> targets) {
        if (targets.stream().anyMatch(PatchTarget::refersToVariables)) {
            return FORMAT_VERSION;
        }
        final boolean frames = targets.stream()
                .flatMap(target -> target.functions().stream())
                .map(PatchFunction::newBody)
                .anyMatch(body -> body != null && body.frame() != null);
        return frames ? FRAMES_FORMAT_VERSION : FIRST_FORMAT_VERSION;
    }
}

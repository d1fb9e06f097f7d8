// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.regex.Pattern;

/**
 * A ViewPatchArtifact of the same namespace.
 *
 * @param name its name
 */
@ApiRecord
public record ArtifactReference(String name) {
    /** What any object may be called (RFC 1123, subdomain). */
    private static final Pattern NAME =
            Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");

    /**
     * Refuses what is no name: clients put it into the path of their request, where it could ask for something else.
     * Servers that took the object before the definition said so hold it still.
     */
    public ArtifactReference {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("not the name of a ViewPatchArtifact: " + name);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * A ViewPatchArtifact of the same namespace.
 *
 * @param name its name
 */
@ApiRecord
public record ArtifactReference(String name) {}

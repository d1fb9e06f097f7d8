// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * New function bodies for a program or shared library.
 *
 * @param artifactRef the object that carries the patch file
 * @param digest the patch file's digest; a file with another one is refused
 */
@ApiRecord
public record PatchChange(ArtifactReference artifactRef, Digest digest) {}

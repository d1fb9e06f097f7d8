// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * A ViewPatchArtifact anywhere in the cluster.
 *
 * @param namespace its namespace
 * @param name its name
 */
@ApiRecord
public record LayerArtifact(String namespace, String name) {}

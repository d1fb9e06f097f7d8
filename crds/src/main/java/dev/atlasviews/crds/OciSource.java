// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * A patch file that lies in a registry, as an OCI artifact.
 *
 * @param reference the artifact by its digest: REGISTRY/REPOSITORY@sha256:…
 */
@ApiRecord
public record OciSource(String reference) {}

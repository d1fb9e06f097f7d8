// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * What is changed; exactly one kind of change.
 *
 * @param patch new function bodies, in a patch file
 */
@ApiRecord
public record Change(PatchChange patch) {}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import org.jspecify.annotations.Nullable;

/**
 * By which version of its ViewPatch a layer is as it is, for the agent's audit records.
 *
 * @param uid the ViewPatch's UID
 * @param generation its generation then
 * @param manager the program that had written the ViewPatch's specification, as it called itself; null where nobody knows
 */
@ApiRecord
public record LayerOrigin(
        String uid, long generation, @Nullable String manager) {}

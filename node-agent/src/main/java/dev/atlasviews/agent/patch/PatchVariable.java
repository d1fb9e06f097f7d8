// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.Objects;

/**
 * A variable that the patch adds, in its data area. On upgrade a variable of the same name, size and unit keeps its
 * value.
 */
public record PatchVariable(String name, String unit, long offset, long size) {
    /** Checks that nothing is missing. */
    public PatchVariable {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(unit, "unit");
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.util.Arrays;
import java.util.List;

/**
 * What a patch does to one program.
 *
 * @param buildId of the program file, lower-case hexadecimal
 * @param program its file name, for people
 * @param positionIndependent whether the program has a load bias; if not, the areas must lie below 2 GiB
 * @param units the translation units that were changed, by source file; two patches that share one conflict unless one is
 *     based on the other
 * @param functions replaced and added functions
 * @param variables added variables
 */
public record PatchTarget(
        String buildId,
        String program,
        boolean positionIndependent,
        List<String> units,
        List<PatchFunction> functions,
        List<PatchVariable> variables,
        PatchArea text,
        PatchArea constants,
        PatchArea data) {
    /** Takes copies of the lists. */
    public PatchTarget {
        units = List.copyOf(units);
        functions = List.copyOf(functions);
        variables = List.copyOf(variables);
    }

    /** The content of one area. */
    public PatchArea area(final AreaKind kind) {
        return switch (kind) {
            case TEXT -> text;
            case CONSTANTS -> constants;
            case DATA -> data;
        };
    }

    /** Whether it is told what refers to which variable, so that a variable may lie elsewhere than in the data area. */
    public boolean refersToVariables() {
        return Arrays.stream(AreaKind.values())
                .flatMap(kind -> area(kind).relocations().stream())
                .anyMatch(relocation -> relocation.target() instanceof RelocationTarget.InVariable);
    }

    /** How much room the areas need. */
    public AreaSizes sizes() {
        return new AreaSizes(text.size(), constants.size(), data.size());
    }
}

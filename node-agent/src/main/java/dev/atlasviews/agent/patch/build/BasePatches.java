// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.PatchVariable;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Rule 2: a patch that is based on another lies above it and replaces its functions again. So it must be for the same
 * program, and must change all that the other changes: else the other's fix would be lost, or half of it.
 */
final class BasePatches {
    private BasePatches() {}

    static void check(final List<Patch> bases, final TargetProgram target, final List<PatchUnit> units)
            throws PatchRefusedException {
        for (final Patch base : bases) {
            final PatchTarget part = base.targets().stream()
                    .filter(candidate -> candidate.buildId().equals(target.buildId()))
                    .findFirst()
                    .orElseThrow(() -> new PatchRefusedException(
                            Refusal.NOT_THE_BASE, base.digest(), "it is not for " + target.name()));
            checkFunctions(base, part, units);
            checkVariables(base, part, units);
        }
    }

    private static void checkFunctions(final Patch base, final PatchTarget part, final List<PatchUnit> units)
            throws PatchRefusedException {
        final Set<Long> replaced = units.stream()
                .flatMap(unit -> unit.takenNames().stream().map(code -> unit.runningFunction(code.symbol())))
                .flatMap(Optional::stream)
                .map(ElfSymbol::value)
                .collect(Collectors.toSet());
        for (final PatchFunction function : part.functions()) {
            final OldBody oldBody = function.oldBody();
            if (oldBody != null && oldBody.jumpOffset() != OldBody.NO_JUMP && !replaced.contains(oldBody.address())) {
                throw new PatchRefusedException(
                        Refusal.NOT_THE_BASE,
                        function.name(),
                        "patch " + base.digest() + " changes it, this one does not");
            }
        }
    }

    private static void checkVariables(final Patch base, final PatchTarget part, final List<PatchUnit> units)
            throws PatchRefusedException {
        for (final PatchVariable variable : part.variables()) {
            final boolean known = units.stream()
                    .filter(unit -> unit.name().equals(variable.unit()))
                    .flatMap(unit -> unit.after().variables().stream())
                    .anyMatch(symbol ->
                            VariablePairing.baseName(symbol.name()).equals(VariablePairing.baseName(variable.name()))
                                    && symbol.size() == variable.size());
            if (!known) {
                throw new PatchRefusedException(
                        Refusal.NOT_THE_BASE,
                        variable.name(),
                        "patch " + base.digest() + " adds it, this one does not");
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.PatchVariable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which variables of a layer that comes are there already: those that another layer of the process, an earlier version of it,
 * has of the same translation unit, name and size. A counter goes on, and what is locked in the old code is locked in the new,
 * while threads are in both. Nothing is guessed: what may be the same and can not be told is refused.
 */
final class KeptVariables {
    private KeptVariables() {}

    /**
     * The addresses of those variables, by the offsets that they have in the target's own data area.
     *
     * @param digest of the layer that comes
     * @param there the variables of the other layers of the process
     */
    static Map<Long, Long> of(final String digest, final PatchTarget target, final List<LinkedPatch.Variable> there)
            throws RefusedException {
        final Map<Long, Long> kept = new HashMap<>();
        for (final PatchVariable variable : target.variables()) {
            final List<LinkedPatch.Variable> earlier = there.stream()
                    .filter(other -> other.program().equals(target.buildId()) && same(other.variable(), variable))
                    .toList();
            if (!earlier.isEmpty()) {
                kept.put(variable.offset(), address(digest, target, variable, earlier));
            }
        }
        return Map.copyOf(kept);
    }

    /**
     * That a target can be linked with these variables.
     *
     * @throws RefusedException if it is not told what refers to which of them
     */
    static void checkTold(final String digest, final PatchTarget target, final Map<Long, Long> kept)
            throws RefusedException {
        if (!kept.isEmpty() && !target.refersToVariables()) {
            throw refused(digest, "its variables can not be told from each other: it has to be built anew");
        }
    }

    /**
     * That what is in the process from before has these variables where they are to be.
     *
     * @throws RefusedException if the layer was there before its earlier version, and has them elsewhere
     */
    static void check(final String digest, final LinkedPatch present, final Map<Long, Long> kept)
            throws RefusedException {
        for (final LinkedPatch.Variable variable : present.variables()) {
            final Long address = kept.get(variable.variable().offset());
            if (address != null && address != variable.address()) {
                throw refused(
                        digest,
                        "it was there before with another "
                                + variable.variable().name());
            }
        }
    }

    /** Whether a variable of one patch may be one of the other. */
    static boolean mayShare(final Patch one, final Patch other) {
        return one.targets().stream()
                .anyMatch(target -> other.targets().stream()
                        .filter(earlier -> earlier.buildId().equals(target.buildId()))
                        .flatMap(earlier -> earlier.variables().stream())
                        .anyMatch(
                                earlier -> target.variables().stream().anyMatch(variable -> same(variable, earlier))));
    }

    private static long address(
            final String digest,
            final PatchTarget target,
            final PatchVariable variable,
            final List<LinkedPatch.Variable> earlier)
            throws RefusedException {
        final long own = target.variables().stream()
                .filter(other -> same(other, variable))
                .count();
        final boolean one = own == 1
                && earlier.stream()
                                .map(LinkedPatch.Variable::address)
                                .distinct()
                                .count()
                        == 1;
        if (!one) {
            throw refused(digest, "several variables of " + variable.unit() + " are named " + variable.name());
        }
        if (earlier.stream().anyMatch(other -> other.variable().size() != variable.size())) {
            throw refused(
                    digest,
                    "variable %s of %s has %d bytes, not %d as in the patch that is there"
                            .formatted(
                                    variable.name(),
                                    variable.unit(),
                                    variable.size(),
                                    earlier.getFirst().variable().size()));
        }
        return earlier.getFirst().address();
    }

    /** Compilers number the static variables of functions, which a change of another one may renumber. */
    private static boolean same(final PatchVariable one, final PatchVariable other) {
        return one.unit().equals(other.unit()) && baseName(one).equals(baseName(other));
    }

    private static String baseName(final PatchVariable variable) {
        return variable.name().replaceFirst("\\.[0-9]+$", "");
    }

    static RefusedException refused(final String digest, final String why) {
        return new RefusedException(
                Reason.CHANGED_VARIABLE,
                List.of(digest),
                "patch %s can not go on with the variables of the patch that it follows: %s".formatted(digest, why));
    }
}

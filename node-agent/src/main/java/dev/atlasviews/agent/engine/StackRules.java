// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.Sha256;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Which layers may lie on one another, and on which code. */
final class StackRules {
    private StackRules() {}

    /**
     * Two layers that change one translation unit, or replace one function, conflict unless the upper is based on the
     * lower: the compiler may have relied, across functions, on what the other layer changes. What a layer is based on
     * lies below it.
     */
    static void check(final List<Layer> layers) throws RefusedException {
        final Set<String> below = new HashSet<>();
        for (final Layer upper : layers) {
            for (final String base : upper.patch().basedOn()) {
                if (!below.contains(base)) {
                    throw new RefusedException(
                            Reason.CONFLICT,
                            List.of(upper.digest()),
                            "patch %s is based on patch %s, which is not below it".formatted(upper.digest(), base));
                }
            }
            for (final Layer lower : layers.subList(0, layers.indexOf(upper))) {
                checkPair(lower.patch(), upper.patch());
            }
            below.add(upper.digest());
        }
    }

    /** What is excluded has to exist, and to bear it. */
    static void checkExclusions(final LinkedLayer layer) throws RefusedException {
        for (final String function : layer.excluded()) {
            final List<LinkedPatch.Body> bodies = layer.bodies().stream()
                    .filter(body -> body.function().equals(function))
                    .toList();
            if (bodies.isEmpty()) {
                throw new RefusedException(
                        Reason.UNKNOWN_FUNCTION,
                        List.of(layer.digest()),
                        "function %s, which is to be excluded, is not changed by patch %s"
                                .formatted(function, layer.digest()));
            }
            final Optional<String> why = bodies.stream()
                    .map(LinkedPatch.Body::notExcludable)
                    .filter(Objects::nonNull)
                    .findFirst();
            if (why.isPresent()) {
                throw new RefusedException(
                        Reason.NOT_EXCLUDABLE,
                        List.of(layer.digest()),
                        "function %s can not be excluded: %s".formatted(function, why.get()));
            }
            // A thread would take its new body to a view whose unwinder does not know it.
            if (bodies.stream().anyMatch(body -> body.newFrame() != 0)) {
                throw new RefusedException(
                        Reason.NOT_EXCLUDABLE,
                        List.of(layer.digest()),
                        "function %s can not be excluded: exceptions may meet it".formatted(function));
            }
        }
    }

    /** The code that a layer replaces has to be the code that it was built on, whenever a view is written. */
    static void checkLiveCode(final TargetProcess process, final LinkedLayer layer)
            throws IOException, RefusedException {
        for (final LinkedPatch.Body body : layer.bodies()) {
            if (body.oldEnd() > body.oldStart()) {
                final byte[] live = process.read(body.oldStart(), Math.toIntExact(body.oldEnd() - body.oldStart()));
                if (!Sha256.hex(live).equals(body.oldSha256())) {
                    throw new RefusedException(
                            Reason.TEXT_MODIFIED,
                            List.of(layer.digest()),
                            "the code of function %s in memory is not what patch %s was built on"
                                    .formatted(body.function(), layer.digest()));
                }
            }
        }
    }

    private static void checkPair(final Patch lower, final Patch upper) throws RefusedException {
        if (upper.basedOn().contains(lower.digest())) {
            return;
        }
        for (final PatchTarget one : lower.targets()) {
            for (final PatchTarget other : upper.targets()) {
                final Optional<String> shared =
                        one.buildId().equals(other.buildId()) ? shared(one, other) : Optional.empty();
                if (shared.isPresent()) {
                    throw new RefusedException(
                            Reason.CONFLICT,
                            List.of(upper.digest(), lower.digest()),
                            "patches %s and %s both change %s of %s and neither is based on the other"
                                    .formatted(lower.digest(), upper.digest(), shared.get(), one.program()));
                }
            }
        }
    }

    /** Units are named by whoever built the patch, and may differ where the code is the same: addresses do not. */
    private static Optional<String> shared(final PatchTarget one, final PatchTarget other) {
        final Map<Long, String> functions = new HashMap<>();
        one.functions().forEach(function -> {
            final OldBody oldBody = function.oldBody();
            if (oldBody != null) {
                functions.put(oldBody.address(), "function " + function.name());
            }
        });
        return Stream.concat(
                        one.units().stream().filter(other.units()::contains),
                        other.functions().stream()
                                .map(PatchFunction::oldBody)
                                .filter(Objects::nonNull)
                                .filter(oldBody -> functions.containsKey(oldBody.address()))
                                .map(oldBody -> functions.get(oldBody.address())))
                .findFirst();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Which layers may lie on one another, and on which code. */
final class StackRules {
    private StackRules() {}

    /**
     * Two layers that change one translation unit conflict unless the upper is based on the lower: the compiler may have
     * relied, across functions, on what the other layer changes. What a layer is based on lies below it.
     */
    static void check(final List<Layer> layers) throws RefusedException {
        final Set<String> below = new HashSet<>();
        for (final Layer upper : layers) {
            for (final String base : upper.patch().basedOn()) {
                if (!below.contains(base)) {
                    throw new RefusedException(
                            Reason.CONFLICT,
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
                        "function %s, which is to be excluded, is not changed by patch %s"
                                .formatted(function, layer.digest()));
            }
            if (bodies.stream().anyMatch(body -> !body.excludable())) {
                throw new RefusedException(
                        Reason.NOT_EXCLUDABLE,
                        "function %s can not be excluded: code jumps or returns into its first bytes"
                                .formatted(function));
            }
        }
    }

    /** The code that a layer replaces has to be the code that it was built on. */
    static void checkLiveCode(final TargetProcess process, final LinkedLayer layer)
            throws IOException, RefusedException {
        for (final LinkedPatch.Body body : layer.bodies()) {
            if (body.oldEnd() > body.oldStart()) {
                final byte[] live = process.read(body.oldStart(), Math.toIntExact(body.oldEnd() - body.oldStart()));
                if (!LayerStack.sha256(live).equals(body.oldSha256())) {
                    throw new RefusedException(
                            Reason.TEXT_MODIFIED,
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
                if (one.buildId().equals(other.buildId()) && !Collections.disjoint(one.units(), other.units())) {
                    throw new RefusedException(
                            Reason.CONFLICT,
                            "patches %s and %s both change %s of %s and neither is based on the other"
                                    .formatted(
                                            lower.digest(),
                                            upper.digest(),
                                            one.units().stream()
                                                    .filter(other.units()::contains)
                                                    .findFirst()
                                                    .orElseThrow(),
                                            one.program()));
                }
            }
        }
    }
}

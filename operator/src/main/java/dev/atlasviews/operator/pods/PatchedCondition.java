// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.pods;

import dev.atlasviews.crds.Atlas;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodReadinessGate;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** The condition {@value dev.atlasviews.crds.Atlas#PATCHED_CONDITION} of pods that list it as a readiness gate. */
public final class PatchedCondition {
    private PatchedCondition() {}

    /** Whether a pod lists the condition as a readiness gate. */
    public static boolean isAskedFor(final Pod pod) {
        return gates(pod).anyMatch(Atlas.PATCHED_CONDITION::equals);
    }

    /** The condition as the pod has it; empty before the operator has looked at the pod. */
    public static Optional<PodCondition> of(final Pod pod) {
        return find(pod, Atlas.PATCHED_CONDITION);
    }

    /** Whether every other readiness gate of a pod is open. */
    public static boolean areOtherGatesOpen(final Pod pod) {
        return gates(pod)
                .filter(gate -> !gate.equals(Atlas.PATCHED_CONDITION))
                .allMatch(gate -> find(pod, gate)
                        .filter(condition -> "True".equals(condition.getStatus()))
                        .isPresent());
    }

    /**
     * A condition of a pod.
     *
     * @param pod the pod
     * @param type the condition's type
     * @return the condition, if the pod has it
     */
    public static Optional<PodCondition> find(final Pod pod, final String type) {
        return pod.getStatus() == null
                ? Optional.empty()
                : Objects.requireNonNullElse(pod.getStatus().getConditions(), List.<PodCondition>of()).stream()
                        .filter(condition -> type.equals(condition.getType()))
                        .findFirst();
    }

    private static Stream<String> gates(final Pod pod) {
        return Objects.requireNonNullElse(pod.getSpec().getReadinessGates(), List.<PodReadinessGate>of()).stream()
                .map(PodReadinessGate::getConditionType);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which changes of a pod can change what is said of a ViewPatch. The others, such as annotations, and the times at which
 * somebody looked at it, come by the minute, and are many in a large cluster.
 */
final class PodChanges {
    private PodChanges() {}

    /** What selects a pod, and what tells whether an agent in it acts. What can not change in a pod is not here. */
    private record Place(
            String uid,
            Map<String, String> labels,
            @Nullable String deletedAt,
            @Nullable String node,
            @Nullable String phase,
            boolean ready) {
        static Place of(final Pod pod) {
            return new Place(
                    pod.getMetadata().getUid(),
                    Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.<String, String>of()),
                    pod.getMetadata().getDeletionTimestamp(),
                    pod.getSpec().getNodeName(),
                    pod.getStatus() == null ? null : pod.getStatus().getPhase(),
                    Readiness.isPodReady(pod));
        }
    }

    /** What tells which processes it has, and whether it is well. */
    private record Health(List<State> conditions, List<ContainerStatus> first, List<ContainerStatus> containers) {
        static Health of(final Pod pod) {
            return new Health(
                    list(pod, PodStatus::getConditions).stream().map(State::of).toList(),
                    list(pod, PodStatus::getInitContainerStatuses),
                    list(pod, PodStatus::getContainerStatuses));
        }

        private static <T> List<T> list(final Pod pod, final Function<PodStatus, List<T>> part) {
            return pod.getStatus() == null
                    ? List.of()
                    : Objects.requireNonNullElse(part.apply(pod.getStatus()), List.of());
        }
    }

    /** A condition without the time of the last look, and without words for humans. */
    private record State(
            String type,
            String status,
            @Nullable String reason,
            @Nullable String since) {
        static State of(final PodCondition condition) {
            return new State(
                    condition.getType(),
                    condition.getStatus(),
                    condition.getReason(),
                    condition.getLastTransitionTime());
        }
    }

    /** Whether it can matter to what selects the pod. */
    static boolean concernPod(final Pod now, final Pod before) {
        return concernNode(now, before) || !Health.of(now).equals(Health.of(before));
    }

    /** Whether it can matter to what is on the node of the pod, which is an agent's. */
    static boolean concernNode(final Pod now, final Pod before) {
        return !Place.of(now).equals(Place.of(before));
    }
}

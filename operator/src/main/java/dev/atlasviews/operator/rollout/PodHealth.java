// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whether a pod has failed since it got a change. */
public final class PodHealth {
    private PodHealth() {}

    /**
     * Looks for a failure.
     *
     * @param pod the pod
     * @param since when it got the change: what was so before is no failure
     * @return a sentence that names the pod, if it failed, a container of it ended, or it turned unready
     */
    public static Optional<String> failure(final Pod pod, final Instant since) {
        if (pod.getStatus() == null || pod.getMetadata().getDeletionTimestamp() != null) {
            return Optional.empty();
        }
        final String name = "pod %s on node %s: "
                .formatted(pod.getMetadata().getName(), pod.getSpec().getNodeName());
        if ("Failed".equals(pod.getStatus().getPhase())) {
            return Optional.of(name + "it failed");
        }
        return containers(pod)
                .map(status -> ended(status, since))
                .flatMap(Optional::stream)
                .findFirst()
                .or(() -> unready(pod, since))
                .map(name::concat);
    }

    private static Stream<ContainerStatus> containers(final Pod pod) {
        return Stream.of(
                        Objects.requireNonNullElse(
                                pod.getStatus().getInitContainerStatuses(), List.<ContainerStatus>of()),
                        Objects.requireNonNullElse(pod.getStatus().getContainerStatuses(), List.<ContainerStatus>of()))
                .flatMap(List::stream);
    }

    private static Optional<String> ended(final ContainerStatus status, final Instant since) {
        final ContainerStateTerminated now =
                status.getState() == null ? null : status.getState().getTerminated();
        final ContainerStateTerminated last =
                status.getLastState() == null ? null : status.getLastState().getTerminated();
        return Stream.of(Optional.ofNullable(now), Optional.ofNullable(last))
                .flatMap(Optional::stream)
                .filter(end -> isAfter(end.getFinishedAt(), since))
                .findFirst()
                .map(end -> "container %s ended (%s, exit code %d)"
                        .formatted(
                                status.getName(),
                                Objects.requireNonNullElse(end.getReason(), "no reason"),
                                Objects.requireNonNullElse(end.getExitCode(), -1)));
    }

    private static Optional<String> unready(final Pod pod, final Instant since) {
        return Objects.requireNonNullElse(pod.getStatus().getConditions(), List.<PodCondition>of()).stream()
                .filter(condition -> "Ready".equals(condition.getType()) && "False".equals(condition.getStatus()))
                .filter(condition -> isAfter(condition.getLastTransitionTime(), since))
                .findFirst()
                .map(condition -> "it turned unready (%s)"
                        .formatted(Objects.requireNonNullElse(condition.getReason(), "no reason")));
    }

    private static boolean isAfter(final @Nullable String time, final Instant since) {
        return time != null && Instant.parse(time).isAfter(since);
    }
}

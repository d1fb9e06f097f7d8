// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import dev.atlasviews.crds.PodBaseline;
import dev.atlasviews.operator.pods.PatchedCondition;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a pod has failed since it got a change. Only what its own kubelet says is compared, with what it said before: the
 * operator's clock is another.
 */
public final class PodHealth {
    private PodHealth() {}

    /** How a pod is before it gets a change. */
    public static PodBaseline baseline(final Pod pod) {
        return new PodBaseline(ends(pod), ready(pod).map(PodHealth::changedAt).orElse(null));
    }

    /**
     * Looks for a failure.
     *
     * @param pod the pod
     * @param baseline how it was when it got the change: what was so then is no failure
     * @return a sentence that names the pod, if it failed, a container of it ended, or it turned unready
     */
    public static Optional<String> failure(final Pod pod, final PodBaseline baseline) {
        if (pod.getStatus() == null || pod.getMetadata().getDeletionTimestamp() != null || isNobodysFault(pod)) {
            return Optional.empty();
        }
        final String name = "pod %s on node %s: "
                .formatted(pod.getMetadata().getName(), pod.getSpec().getNodeName());
        if ("Failed".equals(pod.getStatus().getPhase())) {
            return Optional.of(name + "it failed");
        }
        return ended(pod, baseline).or(() -> unready(pod, baseline)).map(name::concat);
    }

    /** Its work is done, or it has to go for its node's or another pod's sake: evicted, preempted, or its node shut down. */
    private static boolean isNobodysFault(final Pod pod) {
        return "Succeeded".equals(pod.getStatus().getPhase())
                || PatchedCondition.find(pod, "DisruptionTarget")
                        .filter(condition -> "True".equals(condition.getStatus()))
                        .isPresent();
    }

    private static Stream<ContainerStatus> containers(final Pod pod) {
        return pod.getStatus() == null
                ? Stream.empty()
                : Stream.of(
                                Objects.requireNonNullElse(
                                        pod.getStatus().getInitContainerStatuses(), List.<ContainerStatus>of()),
                                Objects.requireNonNullElse(
                                        pod.getStatus().getContainerStatuses(), List.<ContainerStatus>of()))
                        .flatMap(List::stream);
    }

    private static int ends(final Pod pod) {
        return containers(pod)
                .mapToInt(status -> Objects.requireNonNullElse(status.getRestartCount(), 0)
                        + (hasEnded(status) && !isDone(pod, status) ? 1 : 0))
                .sum();
    }

    /** A restart is counted when the container runs again; until then its end is seen from its state. */
    private static boolean hasEnded(final ContainerStatus status) {
        final boolean runs = status.getState() != null && status.getState().getRunning() != null;
        return !runs && lastEnd(status).isPresent();
    }

    /** Where success is not followed by a restart it is what was hoped for. */
    private static boolean isDone(final Pod pod, final ContainerStatus status) {
        return Set.of("Never", "OnFailure")
                        .contains(Objects.requireNonNullElse(pod.getSpec().getRestartPolicy(), ""))
                && Optional.ofNullable(status.getState())
                        .map(ContainerState::getTerminated)
                        .filter(end -> Objects.equals(end.getExitCode(), 0))
                        .isPresent();
    }

    private static Optional<String> ended(final Pod pod, final PodBaseline baseline) {
        if (ends(pod) <= baseline.containerEnds()) {
            return Optional.empty();
        }
        // Of several that have ended at some time it was the last.
        return containers(pod)
                .filter(status -> lastEnd(status).isPresent() && !isDone(pod, status))
                .max(Comparator.comparing(status -> lastEnd(status)
                        .map(ContainerStateTerminated::getFinishedAt)
                        .map(Instant::parse)
                        .orElse(Instant.MIN)))
                .map(status -> "container %s ended%s"
                        .formatted(
                                status.getName(),
                                lastEnd(status).map(PodHealth::how).orElse("")))
                .or(() -> Optional.of("a container ended"));
    }

    private static String how(final ContainerStateTerminated end) {
        return " (%s, exit code %d)"
                .formatted(
                        Objects.requireNonNullElse(end.getReason(), "no reason"),
                        Objects.requireNonNullElse(end.getExitCode(), -1));
    }

    private static Optional<ContainerStateTerminated> lastEnd(final ContainerStatus status) {
        return Stream.of(
                        Optional.ofNullable(status.getState()).map(ContainerState::getTerminated),
                        Optional.ofNullable(status.getLastState()).map(ContainerState::getTerminated))
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** Of a pod that was not looked at by its kubelet when it got the change nothing can be said. */
    private static Optional<String> unready(final Pod pod, final PodBaseline baseline) {
        return ready(pod)
                .filter(condition -> "False".equals(condition.getStatus()))
                .filter(PodHealth::isSaidByKubelet)
                .filter(condition -> !waitsForPatchOnly(pod, condition))
                .filter(condition -> baseline.readyChangedAt() != null
                        && !baseline.readyChangedAt().equals(changedAt(condition)))
                .map(condition -> "it turned unready (%s)".formatted(condition.getReason()));
    }

    /**
     * The control plane calls all pods of a node unready that it has not heard of for a while, which says nothing about them;
     * it keeps the reason of what was true before: none. A kubelet always has one.
     */
    private static boolean isSaidByKubelet(final PodCondition unready) {
        return unready.getReason() != null && !unready.getReason().isEmpty();
    }

    /** A pod that the operator itself holds back is not harmed. The kubelet may say so a moment longer than it is true. */
    private static boolean waitsForPatchOnly(final Pod pod, final PodCondition unready) {
        return "ReadinessGatesNotReady".equals(unready.getReason())
                && PatchedCondition.isAskedFor(pod)
                && PatchedCondition.areOtherGatesOpen(pod);
    }

    private static Optional<PodCondition> ready(final Pod pod) {
        return PatchedCondition.find(pod, "Ready");
    }

    private static @Nullable Instant changedAt(final PodCondition condition) {
        return condition.getLastTransitionTime() == null ? null : Instant.parse(condition.getLastTransitionTime());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.pods;

import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Which pods a ViewPatch is meant for, which of their containers, and which of these run. */
public final class PodSelection {
    private PodSelection() {}

    /**
     * Whether a ViewPatch is meant for a pod.
     *
     * @param patch the ViewPatch
     * @param pod a pod of any namespace
     * @return true for a running pod of the same namespace that the selector matches, unless it came later than a
     *     ViewPatch that leaves new pods alone
     */
    public static boolean selects(final ViewPatch patch, final Pod pod) {
        return isRunning(pod) && matches(patch, pod);
    }

    /**
     * Whether a ViewPatch is meant for a pod if that runs.
     *
     * @param patch the ViewPatch
     * @param pod a pod of any namespace, also one that ends or has ended
     * @return the same as {@link #selects} for a pod that runs; of a ViewPatch that can not be read nobody knows
     */
    public static boolean matches(final ViewPatch patch, final Pod pod) {
        return patch.isReadable()
                && Objects.equals(
                        patch.getMetadata().getNamespace(), pod.getMetadata().getNamespace())
                && !(patch.getSpec().newPods() == NewPods.LEAVE && isNewer(pod, patch))
                && LabelMatching.matches(
                        patch.getSpec().selector(),
                        Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of()));
    }

    /**
     * Whether a pod has, or may have, processes.
     *
     * @param pod the pod
     * @return true if it is on a node, runs and is not about to go
     */
    public static boolean isRunning(final Pod pod) {
        return pod.getSpec().getNodeName() != null
                && pod.getMetadata().getDeletionTimestamp() == null
                && pod.getStatus() != null
                && "Running".equals(pod.getStatus().getPhase());
    }

    /**
     * Whether there may be processes in a pod that is not meant any more.
     *
     * @param pod a pod, also one that is about to go
     * @return false once all its containers have ended for good
     */
    public static boolean mayHaveProcesses(final Pod pod) {
        return pod.getStatus() != null
                && !Set.of("Succeeded", "Failed").contains(pod.getStatus().getPhase());
    }

    /**
     * The containers of a pod that a ViewPatch is meant for.
     *
     * @param patch a ViewPatch that selects the pod
     * @param pod the pod
     * @return their names, sidecars included, in the pod's order
     */
    public static Stream<String> containers(final ViewPatch patch, final Pod pod) {
        final String only = patch.getSpec().container();
        return allContainers(pod).filter(name -> only == null || only.equals(name));
    }

    /**
     * Whether a pod can have the change of a ViewPatch, which is what its waves are counted by.
     *
     * @param patch the ViewPatch
     * @param pod a pod of any namespace
     * @return whether it is selected, and has a container that the ViewPatch is meant for
     */
    public static boolean isMeant(final ViewPatch patch, final Pod pod) {
        return selects(patch, pod) && containers(patch, pod).findAny().isPresent();
    }

    /**
     * Which container runs under a name.
     *
     * @param pod a pod on a node
     * @param name the container's name
     * @return its id, as {@code containerd://…}, which another has once it was started again; empty while none runs
     */
    public static Optional<String> runningId(final Pod pod, final String name) {
        return Stream.concat(
                        pod.getStatus().getInitContainerStatuses().stream(),
                        pod.getStatus().getContainerStatuses().stream())
                .filter(status -> status.getName().equals(name))
                .filter(status -> status.getState() != null && status.getState().getRunning() != null)
                .map(ContainerStatus::getContainerID)
                .findFirst();
    }

    /** The names of a pod's containers that run as long as the pod does. */
    private static Stream<String> allContainers(final Pod pod) {
        final Stream<Container> sidecars = pod.getSpec().getInitContainers().stream()
                .filter(container -> "Always".equals(container.getRestartPolicy()));
        return Stream.concat(sidecars, pod.getSpec().getContainers().stream()).map(Container::getName);
    }

    private static boolean isNewer(final Pod pod, final ViewPatch patch) {
        return Instant.parse(pod.getMetadata().getCreationTimestamp())
                .isAfter(Instant.parse(patch.getMetadata().getCreationTimestamp()));
    }
}

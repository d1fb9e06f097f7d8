// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.caches;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Remembers of a pod what a ViewPatch can depend on: who and where it is, its containers' names, what its readiness waits for, what follows their ends, and how they are. The rest
 * is taken off the very object that came, without the garbage of a copy: a list brings all pods at once.
 */
public final class PodStore extends LeanStore<Pod> {
    @Override
    public @Nullable Pod put(final String key, final Pod pod) {
        pod.getMetadata().setAnnotations(Map.of());
        pod.getMetadata().setOwnerReferences(List.of());
        if (pod.getSpec() != null) {
            pod.setSpec(lean(pod.getSpec()));
        }
        if (pod.getStatus() != null) {
            pod.setStatus(lean(pod.getStatus()));
        }
        return super.put(key, pod);
    }

    private static PodSpec lean(final PodSpec spec) {
        final var lean = new PodSpec();
        lean.setNodeName(spec.getNodeName());
        lean.setRestartPolicy(spec.getRestartPolicy());
        lean.setReadinessGates(spec.getReadinessGates());
        lean.setInitContainers(lean(spec.getInitContainers()));
        lean.setContainers(lean(spec.getContainers()));
        return lean;
    }

    private static List<Container> lean(final List<Container> containers) {
        return containers.stream().map(PodStore::lean).toList();
    }

    private static Container lean(final Container container) {
        final var lean = new Container();
        lean.setName(container.getName());
        lean.setRestartPolicy(container.getRestartPolicy());
        return lean;
    }

    private static PodStatus lean(final PodStatus status) {
        final var lean = new PodStatus();
        lean.setPhase(status.getPhase());
        lean.setConditions(status.getConditions());
        lean.setInitContainerStatuses(status.getInitContainerStatuses());
        lean.setContainerStatuses(status.getContainerStatuses());
        return lean;
    }
}

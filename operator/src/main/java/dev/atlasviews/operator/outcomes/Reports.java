// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.outcomes;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.pods.PodSelection;
import io.fabric8.kubernetes.api.model.Pod;

/**
 * Whether what a node reported tells of what runs there now. A PodView's status survives what it tells of: after its node was
 * booted again, or a container started again, it stays until an agent writes the next, and none of its processes is left.
 */
final class Reports {
    private Reports() {}

    /**
     * Whether a report counts.
     *
     * @param view the PodView with the report
     * @param nodes what is known of nodes
     * @return whether it tells of the specification as it is now, and of the boot that the node is in
     */
    static boolean areOfNow(final PodView view, final NodeStates nodes) {
        final PodViewStatus status = view.getStatus();
        return status != null
                && status.observedGeneration().equals(view.getMetadata().getGeneration())
                && nodes.boot(view.getSpec().nodeName())
                        .map(boot -> status.processes().stream()
                                .allMatch(process -> process.bootId().equals(boot)))
                        .orElse(true);
    }

    /** The same of a pod whose containers are known: they are the ones that the report tells of. */
    static boolean areOf(final Pod pod, final PodView view, final NodeStates nodes) {
        return areOfNow(view, nodes)
                && view.getStatus().processes().stream()
                        .allMatch(process -> PodSelection.runningId(pod, process.container())
                                .filter(process.containerId()::equals)
                                .isPresent());
    }
}

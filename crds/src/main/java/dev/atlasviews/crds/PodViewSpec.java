// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.List;

/**
 * The layers that the threads of a pod should have.
 *
 * @param podName the pod's name; its UID is the name of the PodView
 * @param nodeName the node whose agent acts on this
 * @param containers the containers of the pod that have layers
 */
@ApiRecord
public record PodViewSpec(String podName, String nodeName, List<ContainerLayers> containers) {
    /** Gives what is not given the defaults of the schema. */
    public PodViewSpec {
        containers = containers == null ? List.of() : List.copyOf(containers);
    }
}

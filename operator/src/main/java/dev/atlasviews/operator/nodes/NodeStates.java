// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

import java.util.Optional;

/** Tells whether the agent of a node can act. */
@FunctionalInterface
public interface NodeStates {
    /** All agents act. */
    NodeStates ALL_READY = node -> NodeState.READY;

    /**
     * Judges a node.
     *
     * @param node its name
     * @return its state as the cluster shows it now
     */
    NodeState of(String node);

    /**
     * The boot of a node that its agent last told of.
     *
     * @param node its name
     * @return the boot, as the kernel names it; empty where no agent has told
     */
    default Optional<String> boot(final String node) {
        return Optional.empty();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

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
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.reconciler.ResourceCache;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is known of nodes from memory. */
public final class KnownNodes implements NodeStates {
    private final ResourceCache<ViewNode> nodes;
    private final ResourceCache<Pod> pods;
    private final @Nullable String agentNamespace;

    /**
     * Looks into what was watched.
     *
     * @param nodes what agents told of their nodes
     * @param pods all pods, those of agents too
     * @param agentNamespace where the agents' pods are; null where they do not run in pods
     */
    public KnownNodes(
            final ResourceCache<ViewNode> nodes, final ResourceCache<Pod> pods, final @Nullable String agentNamespace) {
        this.nodes = nodes;
        this.pods = pods;
        this.agentNamespace = agentNamespace;
    }

    @Override
    public NodeState of(final String node) {
        final ViewNode known = viewNode(node).orElse(null);
        return agentNamespace == null
                ? NodeState.of(node, known)
                : NodeState.of(node, known, agents(agentNamespace, node));
    }

    @Override
    public Optional<String> boot(final String node) {
        return viewNode(node).map(ViewNode::getStatus).map(ViewNodeStatus::bootId);
    }

    private Optional<ViewNode> viewNode(final String name) {
        return nodes.get(new ResourceID(name));
    }

    private Stream<Pod> agents(final String namespace, final String node) {
        return pods.list(
                namespace,
                pod -> NodeState.isAgent(pod) && node.equals(pod.getSpec().getNodeName()));
    }
}

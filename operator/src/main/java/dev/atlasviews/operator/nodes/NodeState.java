// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether the agent of a node can act, as far as the cluster shows it.
 *
 * @param kind whether it can
 * @param message why it can not; empty where it can
 */
public record NodeState(Kind kind, String message) {
    /** What an agent can do. */
    public enum Kind {
        /** It acts. */
        READY,
        /** There is none, or it does not run: nobody knows. */
        AGENT_MISSING,
        /** It says that this node can not patch. */
        MODULE_UNAVAILABLE
    }

    /** A node whose agent acts. */
    public static final NodeState READY = new NodeState(Kind.READY, "");

    /**
     * Judges a node by what its agent says.
     *
     * @param name the node's name
     * @param node its ViewNode, if there is one
     * @return the state
     */
    public static NodeState of(final String name, final @Nullable ViewNode node) {
        if (node == null || node.getStatus() == null) {
            return new NodeState(
                    Kind.AGENT_MISSING,
                    Optional.ofNullable(node)
                            .flatMap(ViewNode::unreadableStatus)
                            .map(why -> "what the agent of node %s reported can not be read: %s".formatted(name, why))
                            .orElse("no agent has ever reported from node " + name));
        }
        return node.getStatus().conditions().stream()
                .filter(condition -> condition.getType().equals(ConditionType.READY.value()))
                .filter(condition -> condition.getStatus().equals("False"))
                .findFirst()
                .map(condition -> new NodeState(
                        Kind.MODULE_UNAVAILABLE, "node %s can not patch: %s".formatted(name, condition.getMessage())))
                .orElse(READY);
    }

    /**
     * Judges a node by what its agent says, and by the pods of agents. An agent that is gone can not say so: the pod that it
     * named is not there then. While there are others, they are what counts, whatever was named before, and one that is not
     * ready is enough.
     *
     * @param name the node's name
     * @param node its ViewNode, if there is one
     * @param agents the agents' pods on this node, all of them
     * @return the state
     */
    public static NodeState of(final String name, final @Nullable ViewNode node, final Stream<Pod> agents) {
        final NodeState said = of(name, node);
        if (said.kind() != Kind.READY) {
            return said;
        }
        final List<Pod> pods = agents.toList();
        return (pods.isEmpty() ? gone(name, node) : broken(name, pods)).orElse(READY);
    }

    /** An agent that named no pod runs in none, or is too old to say. */
    private static Optional<NodeState> gone(final String name, final @Nullable ViewNode node) {
        return Optional.ofNullable(node)
                .map(ViewNode::getStatus)
                .map(ViewNodeStatus::agentPod)
                .map(pod -> new NodeState(
                        Kind.AGENT_MISSING,
                        "the agent of node %s, pod %s, is gone and no other has come: see whether the DaemonSet of the agents still selects the node"
                                .formatted(name, pod)));
    }

    private static Optional<NodeState> broken(final String name, final List<Pod> agents) {
        return agents.stream()
                .filter(pod -> !Readiness.isPodReady(pod))
                .findFirst()
                .map(pod -> new NodeState(
                        Kind.AGENT_MISSING,
                        "the agent of node %s, pod %s, is not ready"
                                .formatted(name, pod.getMetadata().getName())));
    }

    /** Whether a pod is an agent's. */
    public static boolean isAgent(final Pod pod) {
        final var labels =
                Objects.requireNonNullElse(pod.getMetadata().getLabels(), java.util.Map.<String, String>of());
        return "atlas-for-kubernetes".equals(labels.get("app.kubernetes.io/name"))
                && "agent".equals(labels.get("app.kubernetes.io/component"));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ViewNode;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
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
     * Judges a node.
     *
     * @param name the node's name
     * @param node its ViewNode, if there is one
     * @param agents the agents' pods on this node; none where agents do not run in pods
     * @return the state
     */
    public static NodeState of(final String name, final @Nullable ViewNode node, final Stream<Pod> agents) {
        final Optional<Pod> broken =
                agents.filter(pod -> !Readiness.isPodReady(pod)).findFirst();
        if (node == null || node.getStatus() == null) {
            return new NodeState(Kind.AGENT_MISSING, "no agent has ever reported from node " + name);
        }
        final Optional<Condition> unavailable = node.getStatus().conditions().stream()
                .filter(condition -> condition.getType().equals(ConditionType.READY.value()))
                .filter(condition -> condition.getStatus().equals("False"))
                .findFirst();
        if (unavailable.isPresent()) {
            return new NodeState(
                    Kind.MODULE_UNAVAILABLE,
                    "node %s can not patch: %s"
                            .formatted(name, unavailable.get().getMessage()));
        }
        return broken.map(pod -> new NodeState(
                        Kind.AGENT_MISSING,
                        "the agent of node %s, pod %s, is not ready"
                                .formatted(name, pod.getMetadata().getName())))
                .orElse(READY);
    }

    /** Whether a pod is an agent's. */
    public static boolean isAgent(final Pod pod) {
        final var labels =
                Objects.requireNonNullElse(pod.getMetadata().getLabels(), java.util.Map.<String, String>of());
        return "atlas-for-kubernetes".equals(labels.get("app.kubernetes.io/name"))
                && "agent".equals(labels.get("app.kubernetes.io/component"));
    }
}

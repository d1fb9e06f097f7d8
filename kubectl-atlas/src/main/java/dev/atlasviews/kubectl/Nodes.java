// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the ViewNodes say, each asked for once. They belong to no namespace, so not everybody may read them: who may not learns
 * less, and everything else all the same.
 */
final class Nodes {
    private final Function<String, @Nullable ViewNode> source;
    private final Map<String, Optional<ViewNodeStatus>> known = new HashMap<>();
    private boolean forbidden;

    Nodes(final Function<String, @Nullable ViewNode> source) {
        this.source = source;
    }

    static Nodes of(final KubernetesClient client) {
        return new Nodes(name -> client.resources(ViewNode.class).withName(name).get());
    }

    /** The boot that a node is in; empty if that is not known. */
    Optional<String> boot(final String node) {
        return status(node).map(ViewNodeStatus::bootId);
    }

    /** Whether the processes of a node can be patched, in a sentence. */
    String text(final String node) {
        final Optional<ViewNodeStatus> status = status(node);
        if (status.isEmpty()) {
            return forbidden
                    ? "whether it can patch is not known, for you may not read ViewNodes"
                    : "no agent has reported from there";
        }
        return status.get().conditions().stream()
                .filter(condition -> condition.getType().equals("Ready"))
                .findFirst()
                .map(Condition::getMessage)
                .orElse("its agent has not said whether it can patch");
    }

    private Optional<ViewNodeStatus> status(final String node) {
        return known.computeIfAbsent(node, this::ask);
    }

    private Optional<ViewNodeStatus> ask(final String node) {
        if (forbidden) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(source.apply(node)).map(ViewNode::getStatus);
        } catch (final KubernetesClientException e) {
            if (e.getCode() != HttpURLConnection.HTTP_FORBIDDEN) {
                throw e;
            }
            forbidden = true;
            return Optional.empty();
        }
    }
}

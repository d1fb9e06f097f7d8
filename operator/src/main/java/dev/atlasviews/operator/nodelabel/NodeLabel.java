// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodelabel;

import dev.atlasviews.crds.Atlas;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.net.HttpURLConnection;

/** The label of a node on which processes can be patched. */
public final class NodeLabel {
    /** A merge, since applying would create a node that is not there. */
    private static final PatchContext MERGE = new PatchContext.Builder()
            .withPatchType(PatchType.JSON_MERGE)
            .withFieldManager(NodeLabelReconciler.NAME)
            .build();

    private NodeLabel() {}

    /**
     * Sets the label, or takes it off. A node that is gone needs none. The node is not read: the right to patch is enough.
     *
     * @param client the cluster
     * @param node the node's name
     * @param available whether processes of the node can be patched
     */
    public static void write(final KubernetesClient client, final String node, final boolean available) {
        final String value = available ? '"' + Atlas.VIEWS_AVAILABLE + '"' : "null";
        try {
            client.resource(new NodeBuilder()
                            .withNewMetadata()
                            .withName(node)
                            .endMetadata()
                            .build())
                    .patch(MERGE, "{\"metadata\":{\"labels\":{\"%s\":%s}}}".formatted(Atlas.VIEWS_LABEL, value));
        } catch (final KubernetesClientException e) {
            if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
                throw e;
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.IOException;
import java.net.HttpURLConnection;

/**
 * A ViewPatch or an artifact, as a file has it. That is what is sent: a record would add defaults, which would then be owned,
 * and leave out what it does not know.
 *
 * @param content what was read
 * @param type what it is
 */
record Document(GenericKubernetesResource content, Class<? extends HasMetadata> type) {
    boolean isPatch() {
        return type == ViewPatch.class;
    }

    /** The object, as a message names it. */
    String name() {
        return "%s %s/%s"
                .formatted(
                        content.getKind(),
                        content.getMetadata().getNamespace(),
                        content.getMetadata().getName());
    }

    /**
     * Has the server take it.
     *
     * @param force take over fields that others own
     * @param dryRun only check it
     * @return what the server then has, or would have
     * @throws IOException if others own fields of it
     */
    GenericKubernetesResource send(final KubernetesClient client, final boolean force, final boolean dryRun)
            throws IOException {
        try {
            final var request = client.genericKubernetesResources(ResourceDefinitionContext.fromResourceType(type))
                    .inNamespace(content.getMetadata().getNamespace())
                    .resource(content)
                    .dryRun(dryRun)
                    .fieldManager("kubectl-atlas");
            return force ? request.forceConflicts().serverSideApply() : request.serverSideApply();
        } catch (final KubernetesClientException e) {
            if (e.getCode() == HttpURLConnection.HTTP_CONFLICT) {
                throw new IOException(
                        "%s: %s; take the field out of the file, or take it over with --force-conflicts"
                                .formatted(name(), ErrorText.of(e)),
                        e);
            }
            throw e;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ViewPatchArtifact;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.ItemStore;
import io.fabric8.kubernetes.client.informers.cache.ReducedStateItemStore;

/** What the operator remembers of the artifacts that there are: their names. Their content may be a mebibyte each. */
final class ArtifactNames {
    /** How many artifacts are read at a time, since they come with their content. */
    static final long PAGE = 8;

    private ArtifactNames() {}

    static ItemStore<ViewPatchArtifact> store(final KubernetesClient client) {
        return new ReducedStateItemStore<>(
                ReducedStateItemStore.NAME_KEY_STATE, ViewPatchArtifact.class, client.getKubernetesSerialization());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;

/** Sets and clears the pause of a rollout, and nothing else of the specification. */
final class Pausing {
    private Pausing() {}

    static void set(final ClusterOptions cluster, final String name, final boolean paused) throws IOException {
        try (KubernetesClient client = cluster.client()) {
            final ViewPatch patch = cluster.viewPatch(client, name);
            client.resource(patch)
                    .patch(
                            PatchContext.of(PatchType.JSON_MERGE),
                            "{\"spec\":{\"rollout\":{\"paused\":%s}}}".formatted(paused));
        }
    }
}

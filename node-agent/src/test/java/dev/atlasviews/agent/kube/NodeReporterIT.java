// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.views.ModuleInfo;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.testing.ApiServer;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent writes about its node, into a real API server. */
final class NodeReporterIT {
    private static final String NODE = "node-1";
    private static final ModuleInfo MODULE = new ModuleInfo(1, 4, true, false, 0, "0.1.0");

    @Test
    void aViewNodeBelongsToItsNodeAndIsWrittenWhenItChanges(@TempDir final Path folder) throws Exception {
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient client = server.client()) {
            reporter(client, null).moduleUnavailable("no module for this kernel");
            assertThat(stored(client).getMetadata().getOwnerReferences()).isEmpty();
            assertThat(stored(client).getStatus().agentPod()).isNull();

            final Node node = newNode(client);
            assertOwner(report(client), node);
            final String version = report(client).getMetadata().getResourceVersion();
            assertThat(report(client).getMetadata().getResourceVersion()).isEqualTo(version);
            assertThat(stored(client).getStatus().agentPod()).isEqualTo("atlas-agent-x");

            reporter(client, "atlas-agent-y").ready(MODULE);
            assertThat(stored(client).getStatus().agentPod()).isEqualTo("atlas-agent-y");

            client.resource(node).withGracePeriod(0).delete();
            final Node another = newNode(client);
            assertOwner(report(client), another);
        }
    }

    @Test
    void aViewNodeThatSomebodyDeletedIsWrittenAgain(@TempDir final Path folder) throws Exception {
        try (ApiServer server = ApiServer.start(folder);
                KubernetesClient client = server.client()) {
            final var steps = new ProcessSteps(
                    reporter(client, null),
                    new NoPatches(),
                    module -> {
                        throw new AssertionError();
                    },
                    "boot");
            steps.report();
            assertThat(client.resources(ViewNode.class).list().getItems()).isEmpty();

            steps.unavailable("no module for this kernel");
            final String version = stored(client).getMetadata().getResourceVersion();
            steps.report();
            assertThat(stored(client).getMetadata().getResourceVersion()).isEqualTo(version);

            client.resource(stored(client)).delete();
            steps.report();
            assertThat(stored(client).getStatus().conditions())
                    .singleElement()
                    .returns("no module for this kernel", Condition::getMessage);
        }
    }

    private static final class NoPatches implements LayerPlan.Source {
        @Override
        public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) {
            throw new AssertionError();
        }

        @Override
        public void verify(final Layer layer, final Patch patch) {}
    }

    private static ViewNode report(final KubernetesClient client) throws IOException {
        reporter(client, "atlas-agent-x").ready(MODULE);
        return stored(client);
    }

    private static NodeReporter reporter(final KubernetesClient client, final @Nullable String pod) {
        return new NodeReporter(client, new AgentPlace(NODE, pod));
    }

    private static ViewNode stored(final KubernetesClient client) {
        return client.resources(ViewNode.class).withName(NODE).get();
    }

    private static Node newNode(final KubernetesClient client) {
        return client.resource(new NodeBuilder()
                        .withNewMetadata()
                        .withName(NODE)
                        .endMetadata()
                        .build())
                .create();
    }

    private static void assertOwner(final ViewNode view, final Node node) {
        assertThat(view.getMetadata().getOwnerReferences())
                .singleElement()
                .extracting(OwnerReference::getUid)
                .isEqualTo(node.getMetadata().getUid());
    }
}

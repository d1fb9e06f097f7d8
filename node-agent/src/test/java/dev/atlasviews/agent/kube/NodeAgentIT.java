// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ModuleInfo;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.agent.views.ViewModule;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.WithoutRules;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole agent on a real API server, whose node has a process in a container and, at first, no module. */
final class NodeAgentIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String NODE = "node-1";
    private static final String POD_UID = "0d6d2f4e-8f0b-4a34-9c1c-000000000001";
    private static final String LATER_UID = "0d6d2f4e-8f0b-4a34-9c1c-000000000002";

    @TempDir
    private Path servers;

    @TempDir
    private Path proc;

    @TempDir
    private Path state;

    @Test
    void withoutTheModuleItStaysAndSaysSoAndGoesOnWhenThereIsOne() throws Exception {
        Fixtures.process(proc);
        final AtomicBoolean loaded = new AtomicBoolean();
        try (ApiServer server = ApiServer.start(servers);
                KubernetesClient administrator = server.client();
                KubernetesClient client = server.client()) {
            administrator.resource(view()).create();
            takeOffEnumerations(administrator);
            reportMelted(administrator);
            final PodView later = createLater(administrator);
            final ModuleSearch.Opening opening = () -> {
                if (loaded.get()) {
                    return new EmptyModule();
                }
                throw new IOException("there is no module for kernel 4.4: use an image that has one");
            };
            final var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
            try (NodeAgent agent = new NodeAgent(
                    client,
                    new AgentPlace(NODE, null),
                    new NodeAgent.Host(proc, opening, state, TrustedKeys.EVERYBODY, RegistrySettings.NONE),
                    registry)) {
                assertThat(ready(administrator).getStatus()).isEqualTo("False");
                assertThat(ready(administrator).getReason()).isEqualTo("ModuleUnavailable");
                assertThat(ready(administrator).getMessage()).contains("kernel 4.4", "use an image");
                assertThat(node(administrator).module()).isNull();

                await().atMost(LIMIT)
                        .untilAsserted(() -> assertThat(layers(administrator))
                                .satisfiesExactly(
                                        wanted -> {
                                            assertThat(wanted.state()).isEqualTo(LayerState.REFUSED);
                                            assertThat(wanted.reason())
                                                    .isEqualTo(LayerReason.MODULE_UNAVAILABLE.value());
                                            assertThat(wanted.message()).contains("kernel 4.4");
                                        },
                                        neverHad -> assertThat(neverHad.state()).isEqualTo(LayerState.REVERTED)));
                assertThat(agent.isLive()).isTrue();
                assertThat(agent.isReady()).isTrue();
                await().atMost(LIMIT)
                        .untilAsserted(() -> assertThat(registry.scrape())
                                .contains(
                                        "atlas_agent_module_loaded 0.0",
                                        "atlas_agent_podviews{state=\"refused\"} 1.0",
                                        "atlas_agent_podviews{state=\"applied\"} 0.0",
                                        "atlas_agent_processes 1.0",
                                        "atlas_agent_threads{state=\"held\"} 0.0")
                                .containsPattern("atlas_agent_pass_seconds_count\\{result=\"success\"\\} [1-9]")
                                .doesNotContain(POD_UID, "redis-0", NODE));

                loaded.set(true);
                await().atMost(LIMIT)
                        .untilAsserted(() ->
                                assertThat(ready(administrator).getStatus()).isEqualTo("True"));
                assertThat(requireNonNull(node(administrator).module()).version())
                        .isEqualTo("test");
                await().atMost(LIMIT)
                        .untilAsserted(() -> assertThat(layers(administrator))
                                .first()
                                .extracting(LayerStatus::reason)
                                .isNotEqualTo(LayerReason.MODULE_UNAVAILABLE.value()));
                assertThat(registry.scrape()).contains("atlas_agent_module_loaded 1.0");

                assertThat(later.isReadable()).isFalse();
                assertThat(administrator.resource(later).get().getStatus())
                        .as("nobody here knows what it asks for")
                        .isNull();
                administrator
                        .resource(later)
                        .patch(
                                PatchContext.of(PatchType.JSON),
                                "[{\"op\":\"replace\",\"path\":\"/spec/containers/0/layers/0/desired\",\"value\":\"Present\"}]");
                await("it is worked on once it can be read")
                        .atMost(LIMIT)
                        .until(() -> administrator.resource(later).get().getStatus() != null);
                assertThat(agent.isLive()).isTrue();
            }
        }
    }

    /** A module that is there, and refuses every process. */
    private static final class EmptyModule implements ViewModule {
        @Override
        public ModuleInfo info() {
            return new ModuleInfo(1, 4, false, false, 0, "test");
        }

        @Override
        public ProcessViews attach(final long pid) throws ViewException {
            throw new ViewException("attach to process " + pid, Errno.EOPNOTSUPP);
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }

    private static PodView view() {
        final var view = new PodView();
        view.setMetadata(new ObjectMetaBuilder()
                .withNamespace("default")
                .withName(POD_UID)
                .addToLabels(Atlas.NODE_LABEL, Atlas.nodeLabel(NODE))
                .build());
        view.setSpec(new PodViewSpec(
                "redis-0",
                NODE,
                List.of(Fixtures.container(Fixtures.present("fix", "a"), Fixtures.absent("old", "b")))));
        return view;
    }

    /** Lets in what a later definition may: words that this one does not have. */
    private static void takeOffEnumerations(final KubernetesClient client) {
        final KubernetesSerialization serialization = client.getKubernetesSerialization();
        for (final CustomResourceDefinition definition : WithoutRules.read(serialization)) {
            final JsonNode json = serialization.convertValue(definition, JsonNode.class);
            json.findParents("enum").forEach(schema -> ((ObjectNode) schema).remove("enum"));
            client.resource(serialization.convertValue(json, CustomResourceDefinition.class))
                    .fieldManager("test")
                    .forceConflicts()
                    .serverSideApply();
        }
    }

    /** As a later agent did, before its node went back to this one. */
    private static void reportMelted(final KubernetesClient client) {
        await().atMost(LIMIT)
                .ignoreExceptions()
                .until(() -> client.resource(view())
                        .subresource("status")
                        .patch(PatchContext.of(PatchType.JSON_MERGE), """
                            {"status": {"observedGeneration": 1, "processes": [], "summary":
                            {"state": "Melted", "processes": 0, "threads": {"total": 0, "moved": 0, "held": 0}}}}
                            """)
                        .unreadableStatus()
                        .isPresent());
    }

    /** A PodView of another pod, as soon as the server goes by those definitions. */
    private static PodView createLater(final KubernetesClient client) {
        final KubernetesSerialization serialization = client.getKubernetesSerialization();
        final ObjectNode json = serialization.convertValue(view(), ObjectNode.class);
        ((ObjectNode) json.get("metadata")).put("name", LATER_UID);
        ((ObjectNode) json.at("/spec/containers/0/layers/0")).put("desired", "Melted");
        final PodView later = serialization.convertValue(json, PodView.class);
        await().atMost(LIMIT)
                .ignoreExceptions()
                .until(() -> client.resource(later).create() != null);
        return later;
    }

    private static List<LayerStatus> layers(final KubernetesClient client) {
        final PodViewStatus status = client.resources(PodView.class)
                .inNamespace("default")
                .withName(POD_UID)
                .get()
                .getStatus();
        return status == null
                ? List.of()
                : status.processes().stream()
                        .flatMap(process -> process.layers().stream())
                        .toList();
    }

    private static ViewNodeStatus node(final KubernetesClient client) {
        return requireNonNull(
                client.resources(ViewNode.class).withName(NODE).get().getStatus());
    }

    private static Condition ready(final KubernetesClient client) {
        return node(client).conditions().getFirst();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.atlasviews.crds.ArtifactReference;
import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.AtlasResource;
import dev.atlasviews.crds.Change;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.KernelStatus;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ThreadSelector;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.layers.Layers;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Objects as an API server holds them, for tests. */
public final class Objects {
    /** The namespace of all of them. */
    public static final String NAMESPACE = "shop";

    /** The container that runs in all pods. */
    public static final String CONTAINER = "containerd://1";

    /** The boot of all nodes. */
    public static final String BOOT = "boot";

    private Objects() {}

    /** A running pod of one container, "redis", with the label app=redis. */
    public static Pod pod(final String name) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(NAMESPACE)
                .withName(name)
                .withUid(uid(name))
                .withLabels(Map.of("app", "redis"))
                .withCreationTimestamp("2026-11-23T20:00:00Z")
                .endMetadata()
                .withNewSpec()
                .withNodeName("node-1")
                .addNewContainer()
                .withName("redis")
                .endContainer()
                .endSpec()
                .withNewStatus()
                .withPhase("Running")
                .addNewContainerStatus()
                .withName("redis")
                .withContainerID(CONTAINER)
                .withNewState()
                .withNewRunning()
                .endRunning()
                .endState()
                .endContainerStatus()
                .endStatus()
                .build();
    }

    /** The UID of the pod of that name. */
    public static String uid(final String pod) {
        return "uid-of-" + pod;
    }

    /** A ViewPatch for app=redis that has its finalizer and has been accepted. */
    public static ViewPatch patch(final String name, final String createdAt) {
        final var patch = new ViewPatch();
        patch.setMetadata(new ObjectMetaBuilder()
                .withNamespace(NAMESPACE)
                .withName(name)
                .withUid("0123456789abcdef")
                .withGeneration(1L)
                .withCreationTimestamp(createdAt)
                .withFinalizers(Atlas.REVERT_FINALIZER)
                .build());
        patch.setSpec(spec(digest(name), null, NewPods.APPLY));
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(new ConditionBuilder()
                        .withType("Accepted")
                        .withStatus("True")
                        .withReason("Accepted")
                        .withMessage("it is")
                        .withObservedGeneration(1L)
                        .withLastTransitionTime("2026-11-23T20:00:00Z")
                        .build()),
                null,
                null,
                null));
        return patch;
    }

    /** What a ViewPatch for app=redis asks for. */
    public static ViewPatchSpec spec(final Digest digest, final @Nullable String container, final NewPods newPods) {
        return new ViewPatchSpec(
                new LabelSelectorBuilder().addToMatchLabels("app", "redis").build(),
                container,
                new Change(new PatchChange(new ArtifactReference("artifact"), digest)),
                ThreadSelector.ALL,
                Quiescence.DEFAULT,
                newPods);
    }

    /** The same object, of whose specification nobody here can read a part. */
    @SuppressWarnings("unchecked")
    public static <R extends AtlasResource<?, ?>> R unreadable(final R resource) {
        final var serialization = new KubernetesSerialization();
        final ObjectNode json = serialization.convertValue(resource, ObjectNode.class);
        ((ObjectNode) json.get("spec")).put("mode", "Later").put("containers", "all");
        return (R) serialization.convertValue(json, resource.getClass());
    }

    /** The digest of a text. */
    public static Digest digest(final String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A node whose agent can act. */
    public static ViewNode readyNode(final String name) {
        return viewNode(name, BOOT, "True", "ModuleLoaded", "processes of this node can be patched");
    }

    /** A node in some boot whose agent tells this of it. */
    public static ViewNode viewNode(
            final String name, final String boot, final String ready, final String reason, final String message) {
        final var node = new ViewNode();
        node.setMetadata(new ObjectMetaBuilder().withName(name).build());
        node.setStatus(new ViewNodeStatus(
                boot,
                "0.1.0",
                null,
                new KernelStatus("6.1.0", "x86_64", null, null),
                null,
                List.of(new ConditionBuilder()
                        .withType("Ready")
                        .withStatus(ready)
                        .withReason(reason)
                        .withMessage(message)
                        .withLastTransitionTime("2026-11-23T20:00:00Z")
                        .build())));
        return node;
    }

    /** The same node, whose agent runs in that pod and says so. */
    public static ViewNode reportedBy(final ViewNode node, final String pod) {
        final ViewNodeStatus status = node.getStatus();
        node.setStatus(new ViewNodeStatus(
                status.bootId(), status.agentVersion(), pod, status.kernel(), status.module(), status.conditions()));
        return node;
    }

    /** A PodView of the given generation, on which the agent has not reported. */
    public static PodView view(final Pod pod, final PodViewSpec spec, final long generation) {
        final var view = new PodView();
        view.setMetadata(new ObjectMetaBuilder()
                .withNamespace(NAMESPACE)
                .withName(pod.getMetadata().getUid())
                .withGeneration(generation)
                .build());
        view.setSpec(spec);
        return view;
    }

    /** A PodView of one layer of a pod's container, which is in some state. */
    public static PodView reported(final Pod pod, final ViewPatch patch, final LayerState state) {
        final Layer layer = Layers.wantedBy(patch, Instant.parse("2026-11-23T22:00:00Z"), null);
        final PodView view = view(
                pod,
                new PodViewSpec(
                        pod.getMetadata().getName(),
                        pod.getSpec().getNodeName(),
                        List.of(new ContainerLayers("redis", CONTAINER, List.of(layer)))),
                1);
        view.setStatus(report(1, layer(patch, state, 0)));
        return view;
    }

    /** What an agent reports of one process. */
    public static PodViewStatus report(final long generation, final LayerStatus... layers) {
        return report(generation, CONTAINER, BOOT, layers);
    }

    /** The same of a process of a container that may be another, on a node that may have been booted again. */
    public static PodViewStatus report(
            final long generation, final String container, final String boot, final LayerStatus... layers) {
        return new PodViewStatus(
                generation,
                new PodViewSummary(LayerState.APPLYING, 1, ThreadCounts.NONE, null),
                List.of(new ProcessStatus(
                        "redis",
                        container,
                        boot,
                        42,
                        4711,
                        "/usr/bin/redis-server",
                        null,
                        ThreadCounts.NONE,
                        List.of(),
                        List.of(layers))));
    }

    /** A layer of a ViewPatch in some state, with four of the five threads moved. */
    public static LayerStatus layer(final ViewPatch patch, final LayerState state, final int held) {
        return layer(
                NAMESPACE + "/" + patch.getMetadata().getName(),
                patch.getSpec().change().patch().digest(),
                state,
                held);
    }

    /** The same for a layer by its name. */
    public static LayerStatus layer(final String name, final Digest digest, final LayerState state, final int held) {
        return new LayerStatus(
                name,
                digest,
                state,
                "Because",
                "because it is so",
                Instant.parse("2026-11-23T20:00:00Z"),
                new ThreadCounts(5, 4, held));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import dev.atlasviews.crds.ArtifactReference;
import dev.atlasviews.crds.Change;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.KernelStatus;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.ThreadSelector;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.ViewPatchSpec;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/**
 * The objects of a cluster whose nodes are only said to be there. Pods are in groups of {@value #GROUP}, each of which a
 * ViewPatch of its own selects.
 *
 * @param client with all rights
 * @param nodes how many there are
 */
record SimulatedCluster(KubernetesClient client, int nodes) {
    /** Pods of a node. */
    static final int PODS_PER_NODE = 10;
    /** Pods that one ViewPatch selects. */
    static final int GROUP = 100;

    static final String NAMESPACE = "scale";
    private static final String LABEL = "group";
    private static final int AT_A_TIME = 16;
    private static final byte[] PATCH = "what the nodes do not look at".getBytes(StandardCharsets.UTF_8);

    /** How many pods there are. */
    int pods() {
        return nodes * PODS_PER_NODE;
    }

    /** How many groups they are in. */
    int groups() {
        return Math.max(1, pods() / GROUP);
    }

    /** Makes nodes and pods. */
    void create() {
        client.resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(NAMESPACE)
                        .endMetadata()
                        .build())
                .create();
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(new ObjectMetaBuilder()
                .withNamespace(NAMESPACE)
                .withName("artifact")
                .build());
        artifact.setSpec(new ViewPatchArtifactSpec(null, Base64.getEncoder().encodeToString(PATCH)));
        client.resource(artifact).create();
        try (ExecutorService executor = Executors.newFixedThreadPool(AT_A_TIME)) {
            IntStream.range(0, nodes).forEach(node -> executor.execute(() -> createNode("node-" + node)));
            IntStream.range(0, pods()).forEach(pod -> executor.execute(() -> createPod(pod)));
        }
        final int made = client.pods().inNamespace(NAMESPACE).list().getItems().size();
        if (made != pods()) {
            throw new IllegalStateException("%d pods of %d could be made".formatted(made, pods()));
        }
    }

    /** Has the pods of a group patched. */
    void patch(final int group) {
        final var patch = new ViewPatch();
        patch.setMetadata(new ObjectMetaBuilder()
                .withNamespace(NAMESPACE)
                .withName("fix-" + group)
                .build());
        patch.setSpec(new ViewPatchSpec(
                new LabelSelectorBuilder()
                        .addToMatchLabels(LABEL, String.valueOf(group))
                        .build(),
                null,
                new Change(new PatchChange(new ArtifactReference("artifact"), Digest.of(PATCH))),
                ThreadSelector.ALL,
                Quiescence.DEFAULT,
                NewPods.APPLY));
        client.resource(patch).create();
    }

    /** How many ViewPatches say that they are applied. */
    long applied() {
        return patches().stream()
                .filter(patch -> patch.getStatus() != null
                        && patch.getStatus().conditions().stream()
                                .anyMatch(condition -> condition.getType().equals("Applied")
                                        && condition.getStatus().equals("True")))
                .count();
    }

    /** All ViewPatches. */
    List<ViewPatch> patches() {
        return client.resources(ViewPatch.class).inNamespace(NAMESPACE).list().getItems();
    }

    /** Has everything taken back. */
    void deletePatches() {
        client.resources(ViewPatch.class).inNamespace(NAMESPACE).delete();
    }

    private void createNode(final String name) {
        final var node = new ViewNode();
        node.setMetadata(new ObjectMetaBuilder().withName(name).build());
        node.setStatus(new ViewNodeStatus(
                "boot",
                "0.1.0",
                null,
                new KernelStatus("6.1.0", "x86_64", null, null),
                null,
                List.of(new ConditionBuilder()
                        .withType("Ready")
                        .withStatus("True")
                        .withReason("ModuleLoaded")
                        .withMessage("processes of this node can be patched")
                        .withLastTransitionTime("2026-01-01T00:00:00Z")
                        .build())));
        client.resource(node).create();
        client.resource(node).updateStatus();
    }

    private void createPod(final int index) {
        final Pod pod = new PodBuilder()
                .withNewMetadata()
                .withNamespace(NAMESPACE)
                .withName("pod-" + index)
                .addToLabels(LABEL, String.valueOf(index / GROUP))
                .endMetadata()
                .withNewSpec()
                .withNodeName("node-" + index / PODS_PER_NODE)
                .addNewContainer()
                .withName("server")
                .withImage("server")
                .endContainer()
                .endSpec()
                .build();
        client.resource(pod).create();
        client.resource(new PodBuilder(pod)
                        .withNewStatus()
                        .withPhase("Running")
                        .addNewContainerStatus()
                        .withName("server")
                        .withImage("server")
                        .withImageID("server")
                        .withContainerID("containerd://" + index)
                        .withRestartCount(0)
                        .withReady(true)
                        .withNewState()
                        .withNewRunning()
                        .endRunning()
                        .endState()
                        .endContainerStatus()
                        .endStatus()
                        .build())
                .updateStatus();
    }
}

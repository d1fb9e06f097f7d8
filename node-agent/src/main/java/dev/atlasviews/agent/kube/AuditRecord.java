// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * That an agent did something with a layer in a process, or refused to, as {@code docs/operations.md} describes it: others read
 * it, so that fields may be added and none may change. What nobody knows is null.
 *
 * @param version of this format
 * @param result what became of the layer
 * @param reason why, in one word
 * @param detail why, in a sentence
 * @param viewPatch who asked for it, as far as that is known
 * @param digest of the patch file
 * @param signedBy the id of the key by whose signature the agent took the patch
 * @param pod whose process it is
 * @param container whose process it is
 * @param node the node's name
 * @param process the process
 * @param threads those that the layer is meant for
 */
@JsonPropertyOrder({
    "version",
    "result",
    "reason",
    "detail",
    "viewPatch",
    "digest",
    "signedBy",
    "pod",
    "container",
    "node",
    "process",
    "threads"
})
record AuditRecord(
        int version,
        LayerState result,
        String reason,
        String detail,
        Requester viewPatch,
        String digest,
        @Nullable String signedBy,
        PodId pod,
        ContainerId container,
        String node,
        ProcessId process,
        ThreadCounts threads) {
    /** The version of the format that is written. */
    static final int VERSION = 1;

    /** A ViewPatch, and the program that wrote its specification. */
    record Requester(
            String namespace,
            String name,
            @Nullable String uid,
            @Nullable Long generation,
            @Nullable String manager) {}

    /** A pod. */
    record PodId(String namespace, String name, String uid) {}

    /** A container as it is listed in the pod's status. */
    record ContainerId(String name, String id) {}

    /** A process: its id alone is used again. */
    record ProcessId(int pid, long startTime, String bootId, String program) {}

    /** What is said of a layer in a process of a PodView's container. */
    static AuditRecord of(
            final PodView view,
            final ContainerLayers container,
            final ProcessStatus process,
            final LayerStatus layer,
            final Optional<String> signedBy) {
        return new AuditRecord(
                VERSION,
                layer.state(),
                layer.reason(),
                layer.message(),
                requester(layer, container),
                layer.digest().value(),
                signedBy.orElse(null),
                new PodId(
                        view.getMetadata().getNamespace(),
                        view.getSpec().podName(),
                        view.getMetadata().getName()),
                new ContainerId(process.container(), process.containerId()),
                view.getSpec().nodeName(),
                new ProcessId(process.pid(), process.startTime(), process.bootId(), process.program()),
                layer.threads());
    }

    private static Requester requester(final LayerStatus layer, final ContainerLayers container) {
        final String[] name = layer.name().split("/", 2);
        final Optional<Layer> listed = container.layers().stream()
                .filter(other ->
                        other.name().equals(layer.name()) && other.digest().equals(layer.digest()))
                .findFirst();
        final LayerOrigin origin = listed.isEmpty() ? null : listed.get().origin();
        return origin == null
                ? new Requester(name[0], name[1], null, null, null)
                : new Requester(name[0], name[1], origin.uid(), origin.generation(), origin.manager());
    }
}

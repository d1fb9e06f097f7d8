// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.views.ModuleInfo;
import dev.atlasviews.crds.KernelStatus;
import dev.atlasviews.crds.ModuleStatus;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tells the cluster what this node can do, in its ViewNode. Written when it changes, never as a sign of life. */
final class NodeReporter {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final String READY = "Ready";

    private final KubernetesClient client;
    private final AgentPlace place;

    NodeReporter(final KubernetesClient client, final AgentPlace place) {
        this.client = client;
        this.place = place;
    }

    static String bootId() throws IOException {
        return Files.readString(BOOT_ID).trim();
    }

    void ready(final ModuleInfo module) throws IOException {
        write(module, "True", "ModuleLoaded", "processes of this node can be patched");
    }

    void moduleUnavailable(final String why) throws IOException {
        write(null, "False", "ModuleUnavailable", why);
    }

    private void write(
            final @Nullable ModuleInfo module, final String status, final String reason, final String message)
            throws IOException {
        final ViewNode stored = node();
        final ViewNodeStatus next = new ViewNodeStatus(
                bootId(),
                version(),
                place.pod(),
                new KernelStatus(
                        NodeModule.release(),
                        "x86_64",
                        module == null ? null : module.levels(),
                        module == null ? null : module.pageTableIsolation()),
                module == null ? null : new ModuleStatus(module.version(), module.uapiVersion()),
                List.of(condition(stored.getStatus(), status, reason, message)));
        if (!next.equals(stored.getStatus())) {
            client.resource(stored).editStatus(current -> {
                current.setStatus(next);
                return current;
            });
        }
    }

    /** The ViewNode as it is stored, which belongs to the node as it is now: it goes when the node goes. */
    private ViewNode node() {
        final List<OwnerReference> owners = owners();
        final ViewNode stored =
                client.resources(ViewNode.class).withName(place.node()).get();
        if (stored == null) {
            final ViewNode created = new ViewNode();
            created.setMetadata(new ObjectMetaBuilder()
                    .withName(place.node())
                    .withOwnerReferences(owners)
                    .build());
            return client.resource(created).create();
        }
        if (owners.equals(stored.getMetadata().getOwnerReferences())) {
            return stored;
        }
        return client.resource(stored).edit(current -> {
            current.getMetadata().setOwnerReferences(owners);
            return current;
        });
    }

    private List<OwnerReference> owners() {
        final Node owner = client.nodes().withName(place.node()).get();
        if (owner == null) {
            return List.of();
        }
        return List.of(new OwnerReferenceBuilder()
                .withApiVersion("v1")
                .withKind("Node")
                .withName(place.node())
                .withUid(owner.getMetadata().getUid())
                .build());
    }

    /** A condition keeps its time while its status is the same. */
    private static Condition condition(
            final @Nullable ViewNodeStatus before, final String status, final String reason, final String message) {
        final String since = Optional.ofNullable(before).map(ViewNodeStatus::conditions).orElse(List.of()).stream()
                .filter(condition -> condition.getType().equals(READY)
                        && condition.getStatus().equals(status))
                .map(Condition::getLastTransitionTime)
                .findFirst()
                .orElseGet(() -> Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        return new ConditionBuilder()
                .withType(READY)
                .withStatus(status)
                .withReason(reason)
                .withMessage(message)
                .withLastTransitionTime(since)
                .build();
    }

    private static String version() {
        return Optional.ofNullable(NodeReporter.class.getPackage().getImplementationVersion())
                .orElse("0.1.0");
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas plan}. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        description = {
            "Says which pods ViewPatches would concern, and lets the server check them; changes nothing.",
            "What would happen to processes and threads only their nodes can tell: apply with \"mode: Observe\" for"
                    + " that."
        })
@SuppressWarnings("NullAway.Init") // set by picocli
final class PlanCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Mixin
    private FileOptions files;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            final Nodes nodes = Nodes.of(client);
            for (final Document document : Documents.read(client, cluster, files.files())) {
                final GenericKubernetesResource checked = document.send(client, files.forceConflicts(), true);
                if (document.isPatch()) {
                    final ViewPatch patch = client.getKubernetesSerialization().convertValue(checked, ViewPatch.class);
                    plan(patch, pods(client, patch), nodes)
                            .lines()
                            .forEach(spec.commandLine().getOut()::println);
                }
            }
            return 0;
        }
    }

    private static List<Pod> pods(final KubernetesClient client, final ViewPatch patch) {
        return client
                .pods()
                .inNamespace(patch.getMetadata().getNamespace())
                .withLabelSelector(patch.getSpec().selector())
                .list()
                .getItems()
                .stream()
                .filter(pod -> concerns(patch, pod))
                .toList();
    }

    /**
     * As the operator selects: what runs and is not about to go, what was there before where new pods are left alone, and what
     * has the container that is named.
     */
    static boolean concerns(final ViewPatch patch, final Pod pod) {
        return pod.getSpec().getNodeName() != null
                && pod.getMetadata().getDeletionTimestamp() == null
                && "Running".equals(pod.getStatus().getPhase())
                && !(patch.getSpec().newPods() == NewPods.LEAVE && created(pod).isAfter(created(patch)))
                && hasContainer(pod, patch.getSpec().container());
    }

    private static boolean hasContainer(final Pod pod, final @Nullable String name) {
        return name == null
                || Stream.concat(
                                pod.getSpec().getInitContainers().stream()
                                        .filter(container -> "Always".equals(container.getRestartPolicy())),
                                pod.getSpec().getContainers().stream())
                        .anyMatch(container -> name.equals(container.getName()));
    }

    private static Instant created(final HasMetadata object) {
        return Instant.parse(object.getMetadata().getCreationTimestamp());
    }

    private static Tree plan(final ViewPatch patch, final List<Pod> pods, final Nodes nodes) {
        final Rollout rollout = patch.getSpec().rollout();
        final Tree tree = new Tree("viewpatch %s/%s: %d running pods; first wave %s, then %s each, soaking %d seconds"
                .formatted(
                        patch.getMetadata().getNamespace(),
                        patch.getMetadata().getName(),
                        pods.size(),
                        Objects.requireNonNullElse(rollout.canary(), rollout.wave())
                                .getValue(),
                        rollout.wave().getValue(),
                        rollout.soakSeconds()));
        for (final Pod pod : pods) {
            final String node = pod.getSpec().getNodeName();
            tree.add("pod %s on node %s: %s".formatted(pod.getMetadata().getName(), node, nodes.text(node)));
        }
        return tree;
    }
}

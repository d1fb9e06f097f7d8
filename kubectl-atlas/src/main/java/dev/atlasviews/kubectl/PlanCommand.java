// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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

    @Option(
            names = {"-f", "--filename"},
            required = true,
            paramLabel = "FILE",
            description = "YAML files")
    private List<Path> files;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            for (final HasMetadata object : Documents.read(client, cluster.namespace(client), files)) {
                client.resource(object).dryRun().fieldManager("kubectl-atlas").serverSideApply();
                if (object instanceof final ViewPatch patch) {
                    plan(client, patch).lines().forEach(spec.commandLine().getOut()::println);
                }
            }
            return 0;
        }
    }

    private static Tree plan(final KubernetesClient client, final ViewPatch patch) throws IOException {
        final List<Pod> pods = client
                .pods()
                .inNamespace(patch.getMetadata().getNamespace())
                .withLabelSelector(patch.getSpec().selector())
                .list()
                .getItems()
                .stream()
                .filter(pod -> "Running".equals(pod.getStatus().getPhase()))
                .toList();
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
            tree.add("pod %s on node %s: %s".formatted(pod.getMetadata().getName(), node, node(client, node)));
        }
        return tree;
    }

    private static String node(final KubernetesClient client, final String name) {
        final ViewNode node = client.resources(ViewNode.class).withName(name).get();
        if (node == null || node.getStatus() == null) {
            return "no agent has reported from there";
        }
        return node.getStatus().conditions().stream()
                .filter(condition -> condition.getType().equals("Ready"))
                .findFirst()
                .map(Condition::getMessage)
                .orElse("its agent has not said whether it can patch");
    }
}

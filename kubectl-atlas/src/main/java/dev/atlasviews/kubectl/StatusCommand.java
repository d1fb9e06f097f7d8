// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas status}. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Shows ViewPatches with their nodes, pods, processes and the threads that are held.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class StatusCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(arity = "0..1", paramLabel = "NAME", description = "the ViewPatch; all of the namespace if not given")
    private @Nullable String name;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            final String namespace = cluster.namespace(client);
            final List<ViewPatch> patches = name == null
                    ? client.resources(ViewPatch.class)
                            .inNamespace(namespace)
                            .list()
                            .getItems()
                    : List.of(cluster.viewPatch(client, name));
            final List<PodView> views = client.resources(PodView.class)
                    .inNamespace(namespace)
                    .list()
                    .getItems();
            if (patches.isEmpty()) {
                spec.commandLine().getErr().println("no ViewPatch in namespace " + namespace);
            }
            final Nodes nodes = Nodes.of(client);
            patches.forEach(patch -> new StatusTree(patch, views, nodes)
                    .lines()
                    .forEach(spec.commandLine().getOut()::println));
            return 0;
        }
    }
}

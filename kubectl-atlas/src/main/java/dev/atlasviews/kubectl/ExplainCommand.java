// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ReasonGuide;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas explain}. */
@Command(
        name = "explain",
        mixinStandardHelpOptions = true,
        description =
                "Says why a ViewPatch is where it is: what each reason means, which threads are held, what to do.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class ExplainCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(paramLabel = "NAME", description = "the ViewPatch")
    private String name;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            final ViewPatch patch = cluster.viewPatch(client, name);
            final List<PodView> views = client.resources(PodView.class)
                    .inNamespace(patch.getMetadata().getNamespace())
                    .list()
                    .getItems();
            explain(patch, views, Nodes.of(client), spec.commandLine().getOut());
            return 0;
        }
    }

    static void explain(final ViewPatch patch, final List<PodView> views, final Nodes nodes, final PrintWriter out) {
        if (StatusTree.isOutdated(patch)) {
            out.println("The operator has not looked at it since it was changed: its conditions tell of what it was"
                    + " before.");
        }
        final Set<String> reasons = new LinkedHashSet<>();
        for (final String type : List.of("Accepted", "Applied", "Progressing", "Degraded")) {
            StatusTree.condition(patch, type).ifPresent(condition -> {
                out.println(Visible.line("%-12s %-8s %s: %s"
                        .formatted(type, condition.getStatus(), condition.getReason(), condition.getMessage())));
                reasons.add(condition.getReason());
            });
        }
        new StatusTree(patch, views, nodes).lines().forEach(out::println);
        PodReport.of(patch, views)
                .filter(report -> report.isOfNow(nodes))
                .flatMap(PodReport::findings)
                .forEach(finding -> reasons.add(finding.layer().reason()));
        for (final String reason : reasons) {
            ReasonGuide.find(reason).ifPresent(entry -> {
                out.println();
                out.println(reason + ": " + entry.meaning());
                out.println("  what to do: " + entry.action());
            });
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ReasonGuide;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
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
            explain(patch, views, spec.commandLine().getOut());
            return 0;
        }
    }

    static void explain(final ViewPatch patch, final List<PodView> views, final PrintWriter out) {
        final Set<String> reasons = new LinkedHashSet<>();
        for (final String type : List.of("Accepted", "Applied", "Progressing", "Degraded")) {
            StatusTree.condition(patch, type).ifPresent(condition -> {
                out.println("%-12s %-8s %s: %s"
                        .formatted(type, condition.getStatus(), condition.getReason(), text(condition)));
                reasons.add(condition.getReason());
            });
        }
        new StatusTree(patch, views).lines().forEach(out::println);
        final String layer =
                patch.getMetadata().getNamespace() + "/" + patch.getMetadata().getName();
        views.stream()
                .map(PodView::getStatus)
                .filter(Objects::nonNull)
                .flatMap(status -> status.processes().stream())
                .flatMap(process -> process.layers().stream())
                .filter(status -> status.name().equals(layer))
                .forEach(status -> reasons.add(status.reason()));
        for (final String reason : reasons) {
            ReasonGuide.find(reason).ifPresent(entry -> {
                out.println();
                out.println(reason + ": " + entry.meaning());
                out.println("  what to do: " + entry.action());
            });
        }
    }

    private static String text(final Condition condition) {
        return condition.getMessage();
    }
}

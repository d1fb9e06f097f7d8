// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas __complete}: what kubectl's own completion asks a plugin for. */
@Command(name = "__complete", hidden = true)
@SuppressWarnings("NullAway.Init") // set by picocli
final class CompleteCommand implements Callable<Integer> {
    private static final Set<String> NAMING = Set.of("status", "revert", "pause", "resume", "explain");
    /** The shell is to complete nothing of its own, such as files. */
    private static final String NO_FILES = ":4";
    /** The shell is to do as it does by default. */
    private static final String FILES = ":0";

    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Parameters(arity = "0..*")
    private List<String> words = new ArrayList<>();

    @Override
    public Integer call() {
        final PrintWriter out = spec.commandLine().getOut();
        final String last = words.isEmpty() ? "" : words.getLast();
        if (words.size() <= 1) {
            names(
                    spec.parent().subcommands().values().stream()
                            .map(CommandLine::getCommandSpec)
                            .filter(command -> !command.usageMessage().hidden())
                            .map(CommandSpec::name)
                            .distinct()
                            .toList(),
                    last,
                    out);
        } else if (NAMING.contains(words.getFirst())) {
            try (KubernetesClient client = cluster.client()) {
                names(
                        client
                                .resources(ViewPatch.class)
                                .inNamespace(cluster.namespace(client))
                                .list()
                                .getItems()
                                .stream()
                                .map(patch -> patch.getMetadata().getName())
                                .toList(),
                        last,
                        out);
            }
        } else {
            out.println(FILES);
            return 0;
        }
        out.println(NO_FILES);
        return 0;
    }

    private static void names(final List<String> names, final String prefix, final PrintWriter out) {
        names.stream().filter(name -> name.startsWith(prefix)).sorted().forEach(out::println);
    }
}

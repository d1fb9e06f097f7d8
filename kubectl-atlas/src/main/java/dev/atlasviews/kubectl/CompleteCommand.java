// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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

    /** What was typed of a command, its options included; the last is what is to be completed. */
    @Parameters(arity = "0..*")
    private List<String> words = new ArrayList<>();

    /** The options among the words that say where to look. */
    @Command
    private static final class Typed {
        @Mixin
        private ClusterOptions cluster = new ClusterOptions();
    }

    @Override
    public Integer call() throws IOException {
        final PrintWriter out = spec.commandLine().getOut();
        final String last = words.isEmpty() ? "" : words.getLast();
        if (words.size() <= 1) {
            names(commands(), last, out);
            return 0;
        }
        final OptionSpec option = valued(words.get(words.size() - 2));
        if (option != null) {
            value(option, last, out);
        } else if (NAMING.contains(words.getFirst())) {
            try (KubernetesClient client = typed().client()) {
                names(
                        objects(client.resources(ViewPatch.class)
                                .inNamespace(typed().namespace(client))
                                .list()
                                .getItems()),
                        last,
                        out);
            }
        } else {
            out.println(FILES);
        }
        return 0;
    }

    private Stream<String> commands() {
        return spec.parent().subcommands().values().stream()
                .map(CommandLine::getCommandSpec)
                .filter(command -> !command.usageMessage().hidden())
                .map(CommandSpec::name)
                .distinct();
    }

    /** The option of the command that is being typed whose value comes next. */
    private @Nullable OptionSpec valued(final String word) {
        final CommandLine command = spec.parent().subcommands().get(words.getFirst());
        final OptionSpec option =
                command == null ? null : command.getCommandSpec().findOption(word);
        return option == null || option.arity().max() == 0 ? null : option;
    }

    private void value(final OptionSpec option, final String last, final PrintWriter out) throws IOException {
        switch (option.longestName()) {
            case "--namespace", "--system-namespace" -> {
                try (KubernetesClient client = typed().client()) {
                    names(objects(client.namespaces().list().getItems()), last, out);
                }
            }
            case "--context" -> {
                try (KubernetesClient client = typed().client()) {
                    names(
                            client.getConfiguration().getContexts().stream().map(context -> context.getName()),
                            last,
                            out);
                }
            }
            case "--kubeconfig", "--filename", "--output", "--ca-file", "--registry-config", "--signature" ->
                out.println(FILES);
            default -> out.println(NO_FILES);
        }
    }

    /** Without the last word, which is not whole yet, and without an option whose value it is. */
    private ClusterOptions typed() {
        final int whole = words.size() - (valued(words.get(words.size() - 2)) == null ? 1 : 2);
        final var typed = new Typed();
        typed.cluster = cluster;
        new CommandLine(typed)
                .setUnmatchedArgumentsAllowed(true)
                .parseArgs(words.subList(1, whole).toArray(String[]::new));
        return typed.cluster;
    }

    private static Stream<String> objects(final List<? extends HasMetadata> objects) {
        return objects.stream().map(object -> object.getMetadata().getName());
    }

    private static void names(final Stream<String> names, final String prefix, final PrintWriter out) {
        names.filter(name -> name.startsWith(prefix)).sorted().forEach(out::println);
        out.println(NO_FILES);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.e2e.corpus.CorpusFiles;
import dev.atlasviews.e2e.corpus.CorpusPackage;
import dev.atlasviews.e2e.corpus.CorpusRun;
import dev.atlasviews.e2e.corpus.ProcessTree;
import dev.atlasviews.e2e.corpus.ProgramException;
import dev.atlasviews.e2e.corpus.RunningProgram;
import dev.atlasviews.e2e.load.LoadGenerator;
import dev.atlasviews.e2e.measure.AlternatingWindows;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Windows;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The part of {@code e2e/latency/run} that runs where the module is loaded: recipes of the corpus, recipes of servers, the
 * files of the package, other files, the server, how many windows of each kind, the packages' versions, and libpulp's live
 * patch where there is one. Prints {@link #MARK} and a {@link ServerLatency} as JSON.
 */
final class LatencyGuest {
    /** What the line with the result begins with. */
    static final String MARK = "LATENCY ";

    private static final double PERCENTILE = 99.5;
    private static final double BAR = 1.05;
    /** Of each condition in which something happens. */
    private static final int WARM_UPS = 3;

    private static final Duration WINDOW = Duration.ofMillis(2500);

    private LatencyGuest() {}

    /** Measures a server. */
    public static void main(final String[] arguments) throws IOException, InterruptedException, ProgramException {
        final Path recipes = Path.of(arguments[0]);
        final Path servers = Path.of(arguments[1]);
        final ServerRecipe server = ServerRecipe.read(servers.resolve(arguments[4] + ".yaml"));
        final CorpusFiles files = new CorpusFiles(Path.of(arguments[2]));
        final CorpusPackage recipe = CorpusPackage.read(recipes.resolve(server.corpusPackage() + ".yaml"));
        final Map<String, String> environment = files.environment(recipes, arguments[3], server.fix());
        final CorpusRun run = Objects.requireNonNull(server.run() == null ? recipe.run() : server.run());
        try (RunningProgram program = RunningProgram.start(run, environment);
                Libpulp libpulp = server.libpulp() == null
                        ? null
                        : Libpulp.start(servers, program.tree().root(), Path.of(arguments[7]))) {
            final List<String> agent = List.of(
                    recipes.toString(),
                    files.directory().toString(),
                    server.corpusPackage(),
                    server.fix(),
                    String.valueOf(program.tree().root()));
            final ServerLatency result = measure(
                    arguments[4], server, program.tree(), agent, libpulp, Integer.parseInt(arguments[5]), arguments[6]);
            program.awaitAnswer();
            System.out.println(MARK + new ObjectMapper().writeValueAsString(result));
        }
    }

    private static ServerLatency measure(
            final String name,
            final ServerRecipe server,
            final ProcessTree tree,
            final List<String> agentArguments,
            final @Nullable Libpulp libpulp,
            final int blocks,
            final String version)
            throws IOException {
        try (AgentProcess agent = AgentProcess.start(agentArguments);
                LoadGenerator load = LoadGenerator.start(server.load())) {
            final Patchers patchers = new Patchers(agent, libpulp);
            final List<Condition> conditions = patchers.conditions();
            // In two of them nothing happens.
            final Windows windows = new AlternatingWindows(load, patchers, conditions, WINDOW)
                    .measure(WARM_UPS * (conditions.size() - 2), blocks, LatencyGuest::say);
            final Map<Condition, Quantiles> latencies = new EnumMap<>(Condition.class);
            for (final Condition condition : conditions) {
                latencies.put(condition, Quantiles.of(windows.pooled(condition)));
            }
            // Now, not before: there are servers that have a process for each connection.
            final List<TargetProcess> processes = tree.processes();
            return new ServerLatency(
                    name,
                    server.description(),
                    version,
                    server.fix(),
                    System.getProperty("os.version"),
                    server.rate(),
                    server.connections(),
                    processes.size(),
                    threads(processes),
                    blocks,
                    agent.patched(),
                    load.counts(),
                    latencies,
                    Comparison.of(windows, PERCENTILE, BAR),
                    agent.held());
        }
    }

    private static int threads(final List<TargetProcess> processes) throws IOException {
        int threads = 0;
        for (final TargetProcess process : processes) {
            threads += process.threads().size();
        }
        return threads;
    }

    private static void say(final Windows windows) {
        final StringBuilder line = new StringBuilder("window %3d, P99.5 in ms:".formatted(windows.blocks()));
        for (final Condition condition : windows.conditions()) {
            line.append(String.format(
                    Locale.ROOT,
                    "  %s %.1f",
                    condition.name().toLowerCase(Locale.ROOT),
                    Quantiles.of(windows.newest(condition)).p995()));
        }
        System.out.println(line);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.ProcessStats;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.e2e.corpus.CorpusFiles;
import dev.atlasviews.e2e.corpus.CorpusPackage;
import dev.atlasviews.e2e.corpus.GuestEngine;
import dev.atlasviews.e2e.corpus.ProcessTree;
import dev.atlasviews.e2e.report.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The engine as a program of its own, as the node agent is one, so that it does not share a heap with the load: the
 * directory of the corpus's recipes, the package's files, the package, the fix, and the server's first process. Does what
 * the lines of its standard input say, to all processes that the server has by then, and answers each with a line.
 */
final class PatchAgent implements AutoCloseable {
    /** Says how long threads were kept from running so far. */
    static final String HELD = "held";
    /** Takes the fix out; a scope puts it in. */
    static final String REVERT = "revert";
    /** Says how many threads ran with the fix so far, summed over the times it went in. */
    static final String PATCHED = "patched";
    /** The answer to what worked. */
    static final String DONE = "done";

    private final GuestEngine engine;
    private final ProcessTree server;
    private final List<Layer> layers;
    /** Open all the time: else the module would forget what it counted whenever no view is left. */
    private final Map<TargetProcess, ProcessViews> views = new HashMap<>();

    private long patched;

    private PatchAgent(final GuestEngine engine, final ProcessTree server, final List<Layer> layers) {
        this.engine = engine;
        this.server = server;
        this.layers = layers;
    }

    /** Serves until its standard input ends. */
    public static void main(final String[] arguments) throws IOException {
        final CorpusPackage recipe = CorpusPackage.read(Path.of(arguments[0]).resolve(arguments[2] + ".yaml"));
        final ProcessTree server = new ProcessTree(Long.parseLong(arguments[4]));
        try (GuestEngine engine = GuestEngine.open(Path.of("/var/lib/atlas"));
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            final List<Layer> layers = engine.layers(new CorpusFiles(Path.of(arguments[1])), recipe, arguments[3]);
            try (PatchAgent agent = new PatchAgent(engine, server, layers)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    System.out.println(agent.answer(line));
                }
            }
        }
    }

    private String answer(final String line) throws IOException {
        if (line.equals(HELD)) {
            return new ObjectMapper().writeValueAsString(held());
        }
        if (line.equals(PATCHED)) {
            return String.valueOf(patched);
        }
        final Desired.Scope scope = Desired.Scope.valueOf(line.substring(line.indexOf(' ') + 1));
        return reconcile(line.startsWith(REVERT) ? List.of() : layers, scope);
    }

    private String reconcile(final List<Layer> desired, final Desired.Scope scope) throws IOException {
        final Set<TargetProcess> done = new HashSet<>();
        // A process that one of them started before its turn came is as that one was then, and gets a turn, too.
        for (List<TargetProcess> left = without(done); !left.isEmpty(); left = without(done)) {
            for (final TargetProcess process : left) {
                watch(process);
            }
            for (final ProcessReport report : engine.reconcile(left, desired, scope, process -> Progress.NONE)) {
                final String wrong = wrong(report, desired);
                if (!wrong.isEmpty()) {
                    return "process %d %s".formatted(report.pid(), wrong);
                }
                patched += desired.isEmpty() ? 0 : report.inPlace();
            }
            done.addAll(left);
        }
        return done.isEmpty() ? "the server has ended" : DONE;
    }

    private List<TargetProcess> without(final Set<TargetProcess> done) {
        return server.processes().stream()
                .filter(process -> !done.contains(process))
                .toList();
    }

    private void watch(final TargetProcess process) throws IOException {
        try {
            if (!views.containsKey(process)) {
                views.put(process, engine.attach(process));
            }
        } catch (final ViewException e) {
            if (!e.gone()) {
                throw e;
            }
        }
    }

    /** What is not as it should be; empty if nothing is, and for a process that ended, as those of a pool do. */
    private static String wrong(final ProcessReport report, final List<Layer> desired) {
        return switch (report.state()) {
            case EXITED -> "";
            case IN_PLACE ->
                !desired.isEmpty() && report.layers().isEmpty() ? "has loaded nothing that the fix changes" : "";
            case MIXED, TAKEN_BACK, REFUSED ->
                "is %s %s: %s".formatted(report.state(), report.reason(), report.message());
        };
    }

    private Report.Held held() throws IOException {
        long checks = 0;
        long longestCheck = 0;
        long held = 0;
        long longestHeld = 0;
        for (final ProcessViews process : views.values()) {
            final ProcessStats stats = process.stats();
            checks += stats.checkNanosTotal();
            longestCheck = Math.max(longestCheck, stats.checkNanosMax());
            held += stats.heldNanosTotal();
            longestHeld = Math.max(longestHeld, stats.heldNanosMax());
        }
        return new Report.Held(checks, longestCheck, held, longestHeld);
    }

    @Override
    public void close() {
        views.values().forEach(ProcessViews::close);
    }
}

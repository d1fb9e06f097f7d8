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
import dev.atlasviews.e2e.corpus.CorpusFiles;
import dev.atlasviews.e2e.corpus.CorpusPackage;
import dev.atlasviews.e2e.corpus.GuestEngine;
import dev.atlasviews.e2e.report.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The engine as a program of its own, as the node agent is one, so that it does not share a heap with the load: the
 * directory of the corpus's recipes, the package's files, the package, the fix, and the server's processes. Does what the
 * lines of its standard input say, and answers each with a line.
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
    private final List<TargetProcess> processes;
    private final List<Layer> layers;
    /** Open all the time: else the module would forget what it counted whenever no view is left. */
    private final List<ProcessViews> views;

    private long patched;

    private PatchAgent(final GuestEngine engine, final List<TargetProcess> processes, final List<Layer> layers)
            throws IOException {
        this.engine = engine;
        this.processes = processes;
        this.layers = layers;
        this.views = new ArrayList<>();
        for (final TargetProcess process : processes) {
            views.add(engine.attach(process));
        }
    }

    /** Serves until its standard input ends. */
    public static void main(final String[] arguments) throws IOException {
        final CorpusPackage recipe = CorpusPackage.read(Path.of(arguments[0]).resolve(arguments[2] + ".yaml"));
        final List<TargetProcess> processes = List.of(arguments).subList(4, arguments.length).stream()
                .flatMap(pid -> TargetProcess.find(TargetProcess.PROC, Long.parseLong(pid)).stream())
                .toList();
        try (GuestEngine engine = GuestEngine.open(Path.of("/var/lib/atlas"));
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            final List<Layer> layers = engine.layers(new CorpusFiles(Path.of(arguments[1])), recipe, arguments[3]);
            try (PatchAgent agent = new PatchAgent(engine, processes, layers)) {
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
        final boolean revert = line.startsWith(REVERT);
        final Desired.Scope scope = Desired.Scope.valueOf(line.substring(line.indexOf(' ') + 1));
        for (final ProcessReport report :
                engine.reconcile(processes, revert ? List.of() : layers, scope, process -> Progress.NONE)) {
            if (report.state() != ProcessReport.State.IN_PLACE) {
                return "process %d: %s %s %s"
                        .formatted(report.pid(), report.state(), report.reason(), report.message());
            }
            if (!revert && report.layers().isEmpty()) {
                return "process %d has loaded nothing that the fix changes".formatted(report.pid());
            }
            patched += revert ? 0 : report.inPlace();
        }
        return DONE;
    }

    private Report.Held held() throws IOException {
        long checks = 0;
        long longestCheck = 0;
        long held = 0;
        long longestHeld = 0;
        for (final ProcessViews process : views) {
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
        views.forEach(ProcessViews::close);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.e2e.corpus.Application.Outcome;
import dev.atlasviews.e2e.corpus.Application.Verification;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One fix: the program without it is run, gets it, and loses it. */
final class FixApplication {
    private final GuestEngine engine;
    private final CorpusRun run;
    private final Map<String, String> environment;
    private final List<Layer> layers;
    private final @Nullable String verify;

    /**
     * A fix that is to be applied.
     *
     * @param environment of the commands of {@code run}
     * @param layers its patches
     * @param verify succeeds only where it works
     */
    FixApplication(
            final GuestEngine engine,
            final CorpusRun run,
            final Map<String, String> environment,
            final List<Layer> layers,
            final @Nullable String verify) {
        this.engine = engine;
        this.run = run;
        this.environment = Map.copyOf(environment);
        this.layers = List.copyOf(layers);
        this.verify = verify;
    }

    /** Applies and reverts it; whatever the program does is a result. */
    Application run() throws IOException, InterruptedException {
        try {
            // What the test does to the vulnerable program is nothing that the patch is to blame for.
            final boolean passesBefore = verify != null && passesAlone(verify);
            try (RunningProgram program = RunningProgram.start(run, environment)) {
                return run(program, passesBefore);
            }
        } catch (final ProgramException e) {
            return Application.not(Outcome.FAILED, String.valueOf(e.getMessage()));
        }
    }

    private boolean passesAlone(final String test) throws IOException, InterruptedException, ProgramException {
        try (RunningProgram program = RunningProgram.start(run, environment)) {
            return program.passes(test);
        }
    }

    private Application run(final RunningProgram program, final boolean passesBefore)
            throws IOException, InterruptedException, ProgramException {
        final List<ProcessReport> applied;
        final List<TargetProcess> patched;
        final long applyMillis;
        long requests = 0;
        try (RunningLoad load = program.load()) {
            final long start = System.nanoTime();
            applied = engine.reconcile(program.processes(), layers);
            applyMillis = millisSince(start);
            final Optional<Application> inTheWay = inTheWay(applied);
            if (inTheWay.isPresent()) {
                program.awaitAnswer();
                return inTheWay.get();
            }
            patched = concerned(program, applied);
            check(program, patched, layers.stream().map(Layer::digest).toList(), "with the patch");
            requests += load == null ? 0 : load.end();
        }
        final boolean passesWith = verify != null && program.passes(verify);

        final long revertMillis;
        try (RunningLoad load = program.load()) {
            final long back = System.nanoTime();
            final Optional<Application> stuck = inTheWay(engine.reconcile(patched, List.of()), "the revert: ");
            revertMillis = millisSince(back);
            if (stuck.isPresent()) {
                return stuck.get();
            }
            check(program, patched, List.of(), "after the revert");
            requests += load == null ? 0 : load.end();
        }
        final boolean passesAfter = verify != null && program.passes(verify);
        final boolean fixed = !passesBefore && passesWith && !passesAfter;
        return new Application(
                Outcome.APPLIED,
                verify == null || fixed
                        ? ""
                        : "its test %s without, %s with the patch, %s after the revert"
                                .formatted(word(passesBefore), word(passesWith), word(passesAfter)),
                applyMillis,
                revertMillis,
                patched.size(),
                applied.stream()
                        .filter(FixApplication::concerned)
                        .mapToInt(ProcessReport::inPlace)
                        .sum(),
                applied.stream().mapToLong(ProcessReport::retainedBytes).sum(),
                requests,
                verify == null ? Verification.NONE : fixed ? Verification.FIXED : Verification.NOT_SHOWN);
    }

    /** All threads are where they should be, whoever was born meanwhile included, and the program works. */
    private void check(
            final RunningProgram program,
            final List<TargetProcess> patched,
            final List<String> digests,
            final String when)
            throws IOException, InterruptedException, ProgramException {
        program.awaitAnswer();
        for (final TargetProcess process : patched) {
            if (!engine.runs(process, digests)) {
                throw new ProgramException(
                        "not all threads of process %d are in their view %s".formatted(process.pid(), when));
            }
        }
    }

    private static List<TargetProcess> concerned(final RunningProgram program, final List<ProcessReport> reports) {
        final List<Long> pids = new ArrayList<>();
        reports.stream().filter(FixApplication::concerned).forEach(report -> pids.add(report.pid()));
        return program.processes().stream()
                .filter(process -> pids.contains(process.pid()))
                .toList();
    }

    private static boolean concerned(final ProcessReport report) {
        return report.state() == State.IN_PLACE && !report.layers().isEmpty();
    }

    private static Optional<Application> inTheWay(final List<ProcessReport> reports) {
        final Optional<Application> first = inTheWay(reports, "");
        return first.isPresent() || reports.stream().anyMatch(FixApplication::concerned)
                ? first
                : Optional.of(Application.not(Outcome.FAILED, "no process runs what the patch is for"));
    }

    private static Optional<Application> inTheWay(final List<ProcessReport> reports, final String when) {
        return reports.stream()
                .filter(report -> report.state() != State.IN_PLACE)
                .findFirst()
                .map(report -> Application.not(
                        switch (report.state()) {
                            case REFUSED -> Outcome.REFUSED;
                            case MIXED, TAKEN_BACK -> Outcome.HELD;
                            case IN_PLACE, EXITED -> Outcome.FAILED;
                        },
                        when
                                + (report.reason().isEmpty()
                                        ? report.message()
                                        : report.reason() + ": " + report.message())));
    }

    private static long millisSince(final long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }

    private static String word(final boolean passes) {
        return passes ? "succeeds" : "fails";
    }
}

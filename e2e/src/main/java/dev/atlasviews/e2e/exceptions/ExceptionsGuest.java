// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.exceptions;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.ProcessStats;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.e2e.corpus.GuestEngine;
import dev.atlasviews.e2e.exceptions.ThrowingProgram.Calls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The part of {@code e2e/exceptions/run} that runs where the module is loaded: the programs, the patches, how many threads
 * a program has, and how often the patch of the one that throws comes and goes. Prints a line for each step, and fails with
 * the first that is not right.
 */
public final class ExceptionsGuest {
    /** What the line of a step that is right begins with. */
    static final String MARK = "EXCEPTIONS ";

    private static final int ENOUGH_CALLS = 300;

    private final GuestEngine engine;
    private final ThrowingProgram program;
    private final TargetProcess process;
    private final ProcessViews views;

    private ExceptionsGuest(
            final GuestEngine engine,
            final ThrowingProgram program,
            final TargetProcess process,
            final ProcessViews views) {
        this.engine = engine;
        this.program = program;
        this.process = process;
        this.views = views;
    }

    /** Patches a program whose threads throw all the time, and takes the patch back; then one that loads libraries again. */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        final Path programs = Path.of(arguments[0]);
        final Path patches = Path.of(arguments[1]);
        try (GuestEngine engine = GuestEngine.open(Path.of("/var/lib/atlas"))) {
            comeAndGo(engine, programs.resolve("throw"), patches.resolve("fix.atlas"), arguments);
            try (LoadingProgram program = LoadingProgram.start(programs, arguments[2])) {
                new StackedLayers(engine, program, patches).comeAndGo();
            }
        }
    }

    private static void comeAndGo(
            final GuestEngine engine, final Path throwing, final Path patch, final String[] arguments)
            throws IOException, InterruptedException {
        try (ThrowingProgram program = ThrowingProgram.start(throwing.toString(), arguments[2])) {
            final TargetProcess process = program.process();
            final Layer layer = engine.layer(Files.readAllBytes(patch));
            try (ProcessViews views = engine.attach(process)) {
                final ExceptionsGuest guest = new ExceptionsGuest(engine, program, process, views);
                final Calls first = guest.calls();
                if (first.after() > 0 || first.wrong() > 0) {
                    throw new IOException("wrong before anything was patched: " + first);
                }
                System.out.println("before: " + first);
                for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
                    guest.step("apply", List.of(layer));
                    guest.step("revert", List.of());
                }
            }
        }
    }

    private void step(final String name, final List<Layer> layers) throws IOException, InterruptedException {
        final ProcessStats before = views.stats();
        final Calls then = program.calls();
        final long start = System.nanoTime();
        final Held held = new Held(new TreeMap<>());
        final ProcessReport report = engine.reconcile(List.of(process), layers, Desired.Scope.THREAD, any -> held)
                .getFirst();
        final Duration took = Duration.ofNanos(System.nanoTime() - start);
        final ProcessStats after = views.stats();
        final Calls meanwhile = program.calls().since(then);
        final Calls since = calls();
        final String line =
                "%s %s after %d ms, %d of %d threads in place, %d looks at running threads of %d us, held by %s; calls %s, then %s; %s"
                        .formatted(
                                name,
                                report.state(),
                                took.toMillis(),
                                report.inPlace(),
                                report.threads().size(),
                                after.checks() - before.checks(),
                                (after.checkNanosTotal() - before.checkNanosTotal()) / 1000,
                                held.by(),
                                meanwhile,
                                since,
                                report.message());
        // A thread may have moved with a call behind it that it had not yet counted.
        final long other = layers.isEmpty() ? since.after() : since.before();
        final boolean right = report.state() == ProcessReport.State.IN_PLACE
                && meanwhile.wrong() == 0
                && since.wrong() == 0
                && other < report.threads().size();
        if (!right) {
            throw new IOException(line);
        }
        System.out.println(MARK + line);
    }

    /** The calls from now on, until there are enough. */
    private Calls calls() throws IOException, InterruptedException {
        final Calls then = program.calls();
        while (true) {
            final Calls since = program.calls().since(then);
            if (since.before() + since.after() + since.wrong() >= ENOUGH_CALLS) {
                return since;
            }
            Thread.sleep(20);
        }
    }

    /** What held threads, and how many. */
    private record Held(Map<String, Integer> by) implements Progress {
        @Override
        public void held(final int tid, final String name, final String function) {
            by.merge(function, 1, Integer::sum);
        }
    }
}

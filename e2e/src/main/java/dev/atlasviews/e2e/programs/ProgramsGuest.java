// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.programs;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.e2e.corpus.GuestEngine;
import dev.atlasviews.e2e.corpus.ProgramException;
import dev.atlasviews.e2e.corpus.RunningProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The part of {@code e2e/programs/run} that runs where the module is loaded: the programs, the folder of the commands'
 * functions, and that of the library and its patch. Prints a line for each program that got the patch or lost it, and
 * fails with the first thing that is not right.
 */
public final class ProgramsGuest {
    /** What the line of a step that is right begins with. */
    static final String MARK = "PROGRAMS ";

    private final GuestEngine engine;
    private final Layer layer;
    private final Map<ProgramRecipe, RunningProgram> programs = new LinkedHashMap<>();

    private ProgramsGuest(final GuestEngine engine, final Layer layer) {
        this.engine = engine;
        this.layer = layer;
    }

    /** Patches all programs while they run, and takes the patch back. */
    public static void main(final String[] arguments) throws IOException, InterruptedException, ProgramException {
        final Path library = Path.of(arguments[2]);
        final Map<String, String> environment = Map.of("RECIPES", arguments[1], "LD_LIBRARY_PATH", library.toString());
        try (GuestEngine engine = GuestEngine.open(Path.of("/var/lib/atlas"))) {
            final ProgramsGuest guest =
                    new ProgramsGuest(engine, engine.layer(Files.readAllBytes(library.resolve("fix.atlas"))));
            try {
                for (final ProgramRecipe recipe : ProgramRecipe.read(Path.of(arguments[0]))) {
                    guest.programs.put(recipe, RunningProgram.start(recipe.run(), environment));
                }
                guest.run();
            } finally {
                for (final RunningProgram program : guest.programs.values()) {
                    program.close();
                }
            }
        }
    }

    private void run() throws IOException, InterruptedException, ProgramException {
        for (final ProgramRecipe recipe : programs.keySet()) {
            verify(recipe, false);
        }
        for (final ProgramRecipe recipe : programs.keySet()) {
            step("apply", recipe, List.of(layer), recipe.loads() == null);
            verify(recipe, true);
        }
        for (final ProgramRecipe recipe : programs.keySet()) {
            if (recipe.loads() != null) {
                require(program(recipe).passes(recipe.loads()), recipe, "does not load the library");
                step("apply", recipe, List.of(layer), true);
                require(program(recipe).passes(recipe.loads()), recipe, "does not use the library");
            }
        }
        for (final ProgramRecipe recipe : programs.keySet()) {
            step("revert", recipe, List.of(), true);
            verify(recipe, false);
        }
    }

    /**
     * Gives all processes of a program these layers, and asks it whether it works.
     *
     * @param concerned whether it has the library
     */
    private void step(final String name, final ProgramRecipe recipe, final List<Layer> layers, final boolean concerned)
            throws IOException, InterruptedException, ProgramException {
        final List<TargetProcess> processes = program(recipe).tree().processes();
        final long start = System.nanoTime();
        final List<ProcessReport> reports =
                engine.reconcile(processes, layers, Desired.Scope.THREAD, process -> Progress.NONE);
        final long millis = (System.nanoTime() - start) / 1_000_000;
        final int threads = reports.stream().mapToInt(ProcessReport::inPlace).sum();
        final String line = "%s %s: %d threads in %d processes after %d ms"
                .formatted(name, recipe.name(), threads, processes.size(), millis);
        for (final ProcessReport report : reports) {
            require(
                    report.state() == ProcessReport.State.IN_PLACE
                            && report.unconcerned().isEmpty() == concerned,
                    recipe,
                    report.toString());
        }
        program(recipe).awaitAnswer();
        System.out.println(concerned ? MARK + line : line + ", it has not loaded the library");
    }

    private void verify(final ProgramRecipe recipe, final boolean fixed) throws IOException, InterruptedException {
        if (recipe.verify() != null) {
            require(program(recipe).passes(recipe.verify()) == fixed, recipe, fixed ? "is not fixed" : "is fixed");
        }
    }

    private RunningProgram program(final ProgramRecipe recipe) {
        return Objects.requireNonNull(programs.get(recipe));
    }

    private static void require(final boolean right, final ProgramRecipe recipe, final String otherwise)
            throws IOException {
        if (!right) {
            throw new IOException(recipe.name() + ": " + otherwise);
        }
    }
}

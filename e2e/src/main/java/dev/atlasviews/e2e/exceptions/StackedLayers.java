// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.exceptions;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.e2e.corpus.GuestEngine;
import dev.atlasviews.e2e.exceptions.LoadingProgram.Answers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers of a program and its libraries on one another: they come, one of the libraries is loaded again, one is replaced by its
 * next version, the middle one goes, all go. Each time every thread moves once.
 */
final class StackedLayers {
    /** What the line of a step that is right begins with. */
    static final String MARK = "LAYERS ";

    private final GuestEngine engine;
    private final LoadingProgram program;
    private final Path patches;

    StackedLayers(final GuestEngine engine, final LoadingProgram program, final Path patches) {
        this.engine = engine;
        this.program = program;
        this.patches = patches;
    }

    void comeAndGo() throws IOException {
        final List<Layer> all = layers("own", "first1", "second1");
        try (ProcessViews views = engine.attach(program.process())) {
            final Answers before = program.ask("");
            check("before", before, List.of(0L, 0L, 0L));
            step(views, "apply", all, List.of(1L, 1L, 1L));
            final Answers elsewhere = program.ask("elsewhere");
            check("loaded elsewhere", elsewhere, List.of(1L, 0L, 1L));
            if (elsewhere.place() == before.place()) {
                throw new IOException("the library is where it was");
            }
            step(views, "after it was loaded elsewhere", all, List.of(1L, 1L, 1L));
            final Answers again = program.ask("again");
            check("loaded again", again, List.of(1L, 0L, 1L));
            final String where = again.place() == elsewhere.place() ? "where it was" : "somewhere";
            final long calls = step(views, "after it was loaded again " + where, all, List.of(1L, 1L, 1L))
                    .calls();
            final long further = step(views, "upgrade", layers("own", "first2", "second1"), List.of(1L, 2L, 1L))
                    .calls();
            if (further != calls + 1) {
                throw new IOException("it counted %d calls, and then %d".formatted(calls, further));
            }
            step(views, "without the middle one", layers("own", "second1"), List.of(1L, 0L, 1L));
            step(views, "revert", List.of(), List.of(0L, 0L, 0L));
        }
    }

    private List<Layer> layers(final String... names) throws IOException {
        final List<Layer> layers = new ArrayList<>();
        for (final String name : names) {
            layers.add(engine.layer(Files.readAllBytes(patches.resolve(name + ".atlas"))));
        }
        return layers;
    }

    private Answers step(
            final ProcessViews views, final String name, final List<Layer> layers, final List<Long> versions)
            throws IOException {
        final long before = views.stats().moves();
        final ProcessReport report = engine.reconcile(
                        List.of(program.process()), layers, Desired.Scope.THREAD, any -> Progress.NONE)
                .getFirst();
        final long moves = views.stats().moves() - before;
        final String line = "%s %s, %d of %d threads in place after %d moves; %s"
                .formatted(
                        name, report.state(), report.inPlace(), report.threads().size(), moves, report.message());
        if (report.state() != ProcessReport.State.IN_PLACE
                || moves != report.threads().size()) {
            throw new IOException(line);
        }
        final Answers answers = program.ask("");
        check(line, answers, versions);
        System.out.println(MARK + line + answers);
        return answers;
    }

    private static void check(final String when, final Answers answers, final List<Long> versions) throws IOException {
        if (!answers.versions().equals(versions)) {
            throw new IOException("%s: %s, not versions %s".formatted(when, answers, versions));
        }
    }
}

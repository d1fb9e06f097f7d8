// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import dev.atlasviews.e2e.picture.GrowthPicture;
import dev.atlasviews.e2e.report.SharedList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The program of {@code e2e/scale/run}: where the report goes, the operator's class path, a directory, numbers of nodes. */
public final class Scale {
    private static final double MIB = 1024 * 1024;
    private static final String ALL = "#1d6fd1";
    private static final String ONE = "#c8742b";

    private Scale() {}

    /**
     * Measures each size and puts it into {@code scale.json}, {@code scale.md} and the picture, in place of what was known
     * of it.
     */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        for (final String nodes : List.of(arguments).subList(3, arguments.length)) {
            final Path folder = Files.createDirectories(Path.of(arguments[2]).resolve(nodes));
            put(Path.of(arguments[0]), ScaleRun.measure(Integer.parseInt(nodes), folder, arguments[1]));
        }
    }

    /** Puts a result into the report. */
    static void put(final Path report, final ScaleResult result) throws IOException, InterruptedException {
        try (SharedList<ScaleResult> file = SharedList.open(report.resolve("scale.json"), ScaleResult[].class)) {
            final List<ScaleResult> results = new ArrayList<>(file.read());
            results.removeIf(other -> other.nodes() == result.nodes());
            results.add(result);
            results.sort(Comparator.comparingInt(ScaleResult::nodes));
            file.write(results);
            Files.writeString(report.resolve("scale.md"), table(results));
            picture(results).write(report, "scale");
        }
    }

    private static GrowthPicture picture(final List<ScaleResult> results) {
        return new GrowthPicture(
                "The operator in clusters of growing size",
                "a node has ten pods, a ViewPatch a hundred; dashed: in proportion to the cluster",
                "nodes",
                List.of(
                        new GrowthPicture.Panel(
                                "writes of the operator",
                                List.of(
                                        line(
                                                "all ViewPatches",
                                                ALL,
                                                results,
                                                result -> result.one().operatorWrites()
                                                        + result.all().operatorWrites()),
                                        line(
                                                "the first one",
                                                ONE,
                                                results,
                                                result -> result.one().operatorWrites()))),
                        new GrowthPicture.Panel(
                                "seconds until applied",
                                List.of(
                                        line(
                                                "all ViewPatches",
                                                ALL,
                                                results,
                                                result -> (result.one().millis()
                                                                + result.all().millis())
                                                        / 1e3),
                                        line(
                                                "the first one",
                                                ONE,
                                                results,
                                                result -> result.one().millis() / 1e3))),
                        new GrowthPicture.Panel(
                                "heap in use, MiB",
                                List.of(
                                        line(
                                                "all applied",
                                                ALL,
                                                results,
                                                result -> result.applied().liveBytes() / MIB),
                                        line(
                                                "watching",
                                                ONE,
                                                results,
                                                result -> result.watching().liveBytes() / MIB)))));
    }

    private static GrowthPicture.Line line(
            final String name,
            final String colour,
            final List<ScaleResult> results,
            final ToDoubleFunction<ScaleResult> value) {
        return new GrowthPicture.Line(
                name,
                colour,
                results.stream()
                        .map(result -> new GrowthPicture.Value(result.nodes(), value.applyAsDouble(result)))
                        .toList());
    }

    /** The results as a page for people. */
    static String table(final List<ScaleResult> results) {
        final StringBuilder text = new StringBuilder(2048);
        text.append("""
            # The operator in clusters of growing size

            Written by `e2e/scale/run`; `scale.json` has the same for programs. Do not edit.

            The API server and etcd are real (etcd does not wait for the disk), the operator is its program with a heap of
            256 MiB, all on one machine. Nodes and pods are objects only: one client plays all agents, and reports each
            PodView done as soon as it sees it. So times are those of API server, operator and that client together.
            Every ViewPatch selects 100 pods; *one* is the first, *all* the others at once.

            *Writes* are those of the operator: PodViews, the status and finalizer of ViewPatches, events. *Quiet* is a
            minute in which nothing changes: writes of anybody.

            ![Writes of the operator, seconds and heap against the number of nodes](scale.png)

            | nodes | pods | ViewPatches | live heap: watching | all applied | resident | one: time | writes | all: time | writes | writes a pod | quiet: writes | taken back: time | writes |
            |---|---|---|---|---|---|---|---|---|---|---|---|---|---|
            """);
        results.forEach(result -> text.append(String.format(
                Locale.ROOT,
                "| %d | %d | %d | %.0f MiB | %.0f MiB | %.0f MiB | %.1f s | %d | %.1f s | %d | %.2f | %d | %.1f s | %d"
                        + " |\n",
                result.nodes(),
                result.pods(),
                result.patches(),
                result.watching().liveBytes() / MIB,
                result.applied().liveBytes() / MIB,
                result.applied().residentBytes() / MIB,
                result.one().millis() / 1e3,
                result.one().operatorWrites(),
                result.all().millis() / 1e3,
                result.all().operatorWrites(),
                (double) (result.one().operatorWrites() + result.all().operatorWrites()) / result.pods(),
                result.quietWrites(),
                result.reverted().millis() / 1e3,
                result.reverted().operatorWrites())));
        return text.toString();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** The program of {@code e2e/scale/run}: where the report goes, the operator's class path, a directory, numbers of nodes. */
public final class Scale {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final double MIB = 1024 * 1024;

    private Scale() {}

    /** Measures each size and puts it into {@code scale.json} and {@code scale.md}, in place of what was known of it. */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        for (final String nodes : List.of(arguments).subList(3, arguments.length)) {
            final Path folder = Files.createDirectories(Path.of(arguments[2]).resolve(nodes));
            put(Path.of(arguments[0]), ScaleRun.measure(Integer.parseInt(nodes), folder, arguments[1]));
        }
    }

    /** Puts a result into the report. */
    static void put(final Path report, final ScaleResult result) throws IOException {
        final Path file = report.resolve("scale.json");
        final List<ScaleResult> results = new ArrayList<>(
                Files.exists(file) ? List.of(JSON.readValue(file.toFile(), ScaleResult[].class)) : List.of());
        results.removeIf(other -> other.nodes() == result.nodes());
        results.add(result);
        results.sort(Comparator.comparingInt(ScaleResult::nodes));
        Files.writeString(file, JSON.writeValueAsString(results) + "\n");
        Files.writeString(report.resolve("scale.md"), table(results));
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

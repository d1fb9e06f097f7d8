// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.picture.RatioPicture;
import dev.atlasviews.e2e.report.SharedList;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The part of {@code e2e/latency/run} that writes down what was measured, as JSON, as a table and as a picture: where they
 * go. Reads what {@link LatencyGuest} printed, and prints it for people.
 */
final class LatencyReport {
    private static final String NAME = "server-latency";

    private LatencyReport() {}

    /** Puts the result on standard input into the report; fails when there is none. */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        final Path directory = Path.of(arguments[0]);
        boolean found = false;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(LatencyGuest.MARK)) {
                    write(
                            directory,
                            new ObjectMapper()
                                    .readValue(line.substring(LatencyGuest.MARK.length()), ServerLatency.class));
                    found = true;
                } else {
                    System.err.println(line);
                }
            }
        }
        if (!found) {
            System.exit(1);
        }
    }

    private static void write(final Path directory, final ServerLatency result)
            throws IOException, InterruptedException {
        try (SharedList<ServerLatency> file =
                SharedList.open(directory.resolve(NAME + ".json"), ServerLatency[].class)) {
            final List<ServerLatency> all = new ArrayList<>(file.read());
            all.removeIf(other -> other.server().equals(result.server()));
            all.add(result);
            all.sort(Comparator.comparing(ServerLatency::server));
            file.write(all);
            Files.writeString(directory.resolve(NAME + ".md"), LatencyTable.of(all));
            new RatioPicture(
                            "P99.5 latency while a security fix goes in and out, ÷ undisturbed",
                            "95 % intervals over alternating windows; dashed: the bar for local migration",
                            1.05,
                            all.stream().map(LatencyReport::row).toList())
                    .write(directory, NAME);
        }
    }

    private static RatioPicture.Row row(final ServerLatency result) {
        final Comparison comparison = result.comparison();
        final List<RatioPicture.Mark> marks = new ArrayList<>(List.of(
                new RatioPicture.Mark(name(Condition.CONTROL), "#6b7785", comparison.noise()),
                new RatioPicture.Mark(name(Condition.LOCAL), "#1d6fd1", comparison.local()),
                new RatioPicture.Mark(name(Condition.GLOBAL), "#c8442b", comparison.global())));
        if (comparison.libpulp() != null) {
            marks.add(new RatioPicture.Mark(name(Condition.LIBPULP), "#8a4fbf", comparison.libpulp()));
        }
        return new RatioPicture.Row(
                "%s, %d threads".formatted(result.server(), result.threads()),
                "%d windows each".formatted(comparison.blocks()),
                marks);
    }

    /** What a condition is called in the report. */
    static String name(final Condition condition) {
        return switch (condition) {
            case UNDISTURBED -> "undisturbed";
            case CONTROL -> "undisturbed again (A/A)";
            case LOCAL -> "local: each thread by itself";
            case GLOBAL -> "global: all threads stopped";
            case LIBPULP -> "libpulp: stopped by ptrace";
        };
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The results of all packages, as JSON and as a table for people. */
final class CorpusReport {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Path json;
    private final Path table;

    CorpusReport(final Path directory) {
        json = directory.resolve("corpus.json");
        table = directory.resolve("corpus.md");
    }

    /**
     * Puts in what was found about one package, in place of what was known about it. What became of a patch in a running
     * program stays where the patch is the same.
     */
    void replace(final String name, final List<CorpusResult> results) throws IOException {
        final List<CorpusResult> all = new ArrayList<>(read());
        final List<CorpusResult> known =
                all.stream().filter(result -> result.name().equals(name)).toList();
        all.removeAll(known);
        for (final CorpusResult result : results) {
            all.add(known.stream()
                    .filter(other -> other.fix().patch().equals(result.fix().patch())
                            && other.parts().equals(result.parts()))
                    .findFirst()
                    .map(other -> result.applied(other.application()))
                    .orElse(result));
        }
        write(all);
    }

    /** Puts in what became of the patches of a package in running programs, by the names of the fixes. */
    void apply(final String name, final Map<String, Application> applications) throws IOException {
        write(read().stream()
                .map(result -> result.name().equals(name)
                                && applications.containsKey(result.fix().patch())
                        ? result.applied(applications.get(result.fix().patch()))
                        : result)
                .toList());
    }

    private void write(final List<CorpusResult> results) throws IOException {
        final List<CorpusResult> all = results.stream()
                .sorted(Comparator.comparing(CorpusResult::name))
                .toList();
        Files.createDirectories(json.getParent());
        Files.writeString(json, JSON.writeValueAsString(all) + "\n");
        Files.writeString(table, CorpusTable.of(all));
    }

    private List<CorpusResult> read() throws IOException {
        return Files.exists(json) ? List.of(JSON.readValue(json.toFile(), CorpusResult[].class)) : List.of();
    }
}

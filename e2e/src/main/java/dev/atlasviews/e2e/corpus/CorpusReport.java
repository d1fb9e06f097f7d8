// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.e2e.report.SharedList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The results of all packages, as JSON and as a table for people; several programs may change them at a time. */
final class CorpusReport {
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
        change(before -> {
            final List<CorpusResult> all = new ArrayList<>(before);
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
            return all;
        });
    }

    /** Puts in what became of the patches of a package in running programs, by the names of the fixes. */
    void apply(final String name, final Map<String, Application> applications) throws IOException {
        change(before -> before.stream()
                .map(result -> result.name().equals(name)
                                && applications.containsKey(result.fix().patch())
                        ? result.applied(applications.get(result.fix().patch()))
                        : result)
                .toList());
    }

    private void change(final UnaryOperator<List<CorpusResult>> change) throws IOException {
        Files.createDirectories(json.getParent());
        try (SharedList<CorpusResult> file = SharedList.open(json, CorpusResult[].class)) {
            final List<CorpusResult> all = change.apply(file.read()).stream()
                    .sorted(Comparator.comparing(CorpusResult::name))
                    .toList();
            file.write(all);
            Files.writeString(table, CorpusTable.of(all));
        }
    }
}

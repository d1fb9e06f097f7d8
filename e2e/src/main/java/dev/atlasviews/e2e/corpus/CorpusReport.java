// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.atlasviews.e2e.corpus.CorpusFix.Kind;
import dev.atlasviews.e2e.corpus.CorpusResult.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The results of all packages, as JSON and as a table for people. */
final class CorpusReport {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Path json;
    private final Path table;

    CorpusReport(final Path directory) {
        json = directory.resolve("corpus.json");
        table = directory.resolve("corpus.md");
    }

    /** Puts in what was found about one package, in place of what was known about it. */
    void replace(final String name, final List<CorpusResult> results) throws IOException {
        final List<CorpusResult> all = new ArrayList<>(read());
        all.removeIf(result -> result.name().equals(name));
        all.addAll(results);
        all.sort(Comparator.comparing(CorpusResult::name));
        Files.createDirectories(json.getParent());
        Files.writeString(json, JSON.writeValueAsString(all) + "\n");
        Files.writeString(table, markdown(all));
    }

    private List<CorpusResult> read() throws IOException {
        return Files.exists(json) ? List.of(JSON.readValue(json.toFile(), CorpusResult[].class)) : List.of();
    }

    static String markdown(final List<CorpusResult> all) {
        final StringBuilder text = new StringBuilder(2048);
        text.append("""
            # Security fixes of Debian 12, built as patches

            Made by `e2e/corpus/run`; `corpus.json` has the same for programs. Each fix was judged by reading it before
            anything was built (`e2e/corpus/*.yaml` has the reasons): *text* changes functions and what only they use,
            *data* also the layout or content of data that exists while the program runs. What is refused stays in the
            denominator; fixes of code that this build does not compile are counted apart (*no code*). Built means that there is a patch file for each program and library of the package that the fix
            changes, made without the source of any other version; whether it was applied to a running program is not in
            this table.

            """);
        text.append(
                "| package | version | text: built | text: refused | text: failed | data: built | data: refused | no"
                        + " code |\n");
        text.append("|---|---|---|---|---|---|---|---|\n");
        final Map<String, List<CorpusResult>> byName =
                all.stream().collect(Collectors.groupingBy(CorpusResult::name, TreeMap::new, Collectors.toList()));
        byName.forEach(
                (name, results) -> text.append(summary(name, results.getFirst().version(), results)));
        text.append(summary("**all**", "", all));
        final long textOnly = count(all, Kind.TEXT, null) - count(all, Kind.TEXT, Outcome.NO_CODE);
        final long built = count(all, Kind.TEXT, Outcome.BUILT);
        if (textOnly > 0) {
            text.append("\nText-only fixes that became patches: **%d of %d (%d %%)**.\n"
                    .formatted(built, textOnly, 100 * built / textOnly));
        }
        text.append("\n| package | fix | kind | result | functions | code, bytes | patch file, bytes | remark |\n");
        text.append("|---|---|---|---|---|---|---|---|\n");
        all.forEach(result -> text.append(row(result)));
        return text.toString();
    }

    private static String summary(final String name, final String version, final List<CorpusResult> results) {
        return "| %s | %s | %d | %d | %d | %d | %d | %d |\n"
                .formatted(
                        name,
                        version,
                        count(results, Kind.TEXT, Outcome.BUILT),
                        count(results, Kind.TEXT, Outcome.REFUSED),
                        count(results, Kind.TEXT, Outcome.FAILED),
                        count(results, Kind.DATA, Outcome.BUILT),
                        count(results, Kind.DATA, Outcome.REFUSED),
                        results.stream()
                                .filter(result ->
                                        result.outcome() == Outcome.NO_CODE || result.outcome() == Outcome.LEFT_OUT)
                                .count());
    }

    private static long count(
            final List<CorpusResult> results,
            final Kind kind,
            final @org.jspecify.annotations.Nullable Outcome outcome) {
        return results.stream()
                .filter(result -> result.fix().kind() == kind && (outcome == null || result.outcome() == outcome))
                .count();
    }

    private static String row(final CorpusResult result) {
        final String functions = result.parts().stream()
                .map(part -> part.replaced() + (part.added() > 0 ? " + " + part.added() : ""))
                .collect(Collectors.joining(", "));
        final String remark = result.reason().isEmpty()
                ? result.parts().stream().map(CorpusResult.Part::target).collect(Collectors.joining(", "))
                : result.message().lines().findFirst().orElse("").replace("|", "\\|");
        return "| %s | `%s` | %s | %s | %s | %s | %s | %s |\n"
                .formatted(
                        result.name(),
                        result.fix().patch(),
                        result.fix().kind().name().toLowerCase(Locale.ROOT),
                        result.outcome().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                        functions,
                        numbers(result, CorpusResult.Part::text),
                        numbers(result, CorpusResult.Part::bytes),
                        remark);
    }

    private static String numbers(
            final CorpusResult result, final java.util.function.ToLongFunction<CorpusResult.Part> value) {
        return result.parts().stream()
                .map(part -> String.valueOf(value.applyAsLong(part)))
                .collect(Collectors.joining(", "));
    }
}

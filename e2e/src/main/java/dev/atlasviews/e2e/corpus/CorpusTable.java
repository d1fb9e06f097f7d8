// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.e2e.corpus.Application.Verification;
import dev.atlasviews.e2e.corpus.CorpusFix.Kind;
import dev.atlasviews.e2e.corpus.CorpusResult.Outcome;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The results of all packages as a table for people. */
final class CorpusTable {
    private CorpusTable() {}

    /** The whole page. */
    static String of(final List<CorpusResult> all) {
        final StringBuilder text = new StringBuilder(4096);
        text.append("""
            # Security fixes of Debian 12, built as patches and applied

            Made by `e2e/corpus/run` and `e2e/corpus/apply`; `corpus.json` has the same for programs. Each fix was judged
            by reading it before anything was built (`e2e/corpus/*.yaml` has the reasons): *text* changes functions and
            what only they use, *data* also the layout or content of data that exists while the program runs. What is
            refused stays in the denominator; fixes of code that this build does not compile are counted apart (*no
            code*), and so are all patches of openldap and zlib: none of them is a security fix. Those of apache2 came as
            new versions, but for one of a helper that ends by itself and so is not applied. *Built* means that there is a
            patch file for each program and library of the package that the fix changes, made without the source of any
            other version.

            *Applied* means: in an emulated machine with two processors and Debian's stock kernel 6.1, the package's
            program was started as it is without this one fix, or for a library a program that has it loaded (`run` in the
            recipe says which and how). The node agent's engine applied the patch file while the program ran, each thread
            at its own time. All threads of all its processes were then in the view with the patch, the program answered,
            the patch was taken back, all threads were in the base again, and the program answered. *Fixed* means besides
            that a test of this very fault failed without the patch, succeeded with it, and failed after the revert in the
            same process (`verify`; for redis mostly the test that came with the fix). The milliseconds are those of an
            emulated machine, several times slower than a real one. Where there are *requests*, so many were answered under
            load while the threads moved there and back, and none failed; elsewhere the program was idle.

            The rows of a package are of the builder and the engine of the day on which it was last built and applied (`git log
            docs/corpus.json`); what was changed in them since may refuse some of these patches, or make others.

            What was *not* verified:

            - where it says *applied* without *fixed*, whether the fault is gone: only that the program goes on as before,
              and nobody looked whether the new code ran at all;
            - that the others are answered under load while their threads move: the tests with Redis and the demo do that;
            - all fixes of a package in one process: each was applied alone, to a build without only this one;
            - threads within what is replaced: where a program waits in it for its next input, as `xmllint --shell` does,
              they are held until it goes on, and the recipe runs it otherwise;
            - anything about packages and fixes without an entry in the column *applied*.

            """);
        text.append("| package | version | text: built | text: refused | text: failed | data: built | data: refused"
                + " | no code | applied | fixed |\n");
        text.append("|---|---|---|---|---|---|---|---|---|---|\n");
        final Map<String, List<CorpusResult>> byName =
                all.stream().collect(Collectors.groupingBy(CorpusResult::name, TreeMap::new, Collectors.toList()));
        byName.forEach(
                (name, results) -> text.append(summary(name, results.getFirst().version(), results)));
        text.append(summary("**all**", "", all));
        text.append(ratios(all));
        text.append(
                "\n| package | fix | kind | result | functions | code, bytes | patch file, bytes | applied | after, ms"
                        + " | threads | requests | fixed | remark |\n");
        text.append("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
        all.forEach(result -> text.append(row(result)));
        return text.toString();
    }

    private static String ratios(final List<CorpusResult> all) {
        final long textOnly = count(all, Kind.TEXT, null) - count(all, Kind.TEXT, Outcome.NO_CODE);
        final long built = count(all, Kind.TEXT, Outcome.BUILT);
        final long tried = applications(all, any -> true);
        final long applied = applications(all, CorpusTable::applied);
        final long tested = applications(all, application -> application.verification() != Verification.NONE);
        final StringBuilder text = new StringBuilder(256);
        if (textOnly > 0) {
            text.append(
                    "\nText-only fixes that became patches: **%d of %d (%d %%)**, %d of them as the recipe allows what the"
                                    .formatted(built, textOnly, 100 * built / textOnly, allowed(all))
                            + " builder refuses otherwise.\n");
        }
        if (tried > 0) {
            text.append(
                    "Patches that were applied to a running program and taken back, of those that were tried: **%d of %d"
                                    .formatted(applied, tried)
                            + " (%d %%)**.\n".formatted(100 * applied / tried));
        }
        if (tested > 0) {
            text.append("Patches shown to fix the fault, of those with a test of it: **%d of %d**.\n"
                    .formatted(applications(all, CorpusTable::fixed), tested));
        }
        return text.toString();
    }

    private static String summary(final String name, final String version, final List<CorpusResult> results) {
        return line(
                name,
                version,
                count(results, Kind.TEXT, Outcome.BUILT),
                count(results, Kind.TEXT, Outcome.REFUSED),
                count(results, Kind.TEXT, Outcome.FAILED),
                count(results, Kind.DATA, Outcome.BUILT),
                count(results, Kind.DATA, Outcome.REFUSED),
                results.stream()
                        .filter(result -> result.outcome() == Outcome.NO_CODE || result.outcome() == Outcome.LEFT_OUT)
                        .count(),
                applications(results, CorpusTable::applied),
                applications(results, CorpusTable::fixed));
    }

    private static long count(final List<CorpusResult> results, final Kind kind, final @Nullable Outcome outcome) {
        return results.stream()
                .filter(result -> result.fix().kind() == kind && (outcome == null || result.outcome() == outcome))
                .count();
    }

    private static long allowed(final List<CorpusResult> all) {
        return all.stream()
                .filter(result -> result.fix().kind() == Kind.TEXT
                        && result.outcome() == Outcome.BUILT
                        && !result.message().isEmpty())
                .count();
    }

    private static long applications(final List<CorpusResult> results, final Predicate<Application> condition) {
        return results.stream()
                .map(CorpusResult::application)
                .filter(Objects::nonNull)
                .filter(condition)
                .count();
    }

    private static boolean applied(final Application application) {
        return application.outcome() == Application.Outcome.APPLIED;
    }

    private static boolean fixed(final Application application) {
        return application.verification() == Verification.FIXED;
    }

    private static String row(final CorpusResult result) {
        final @Nullable Application application = result.application();
        return line(
                result.name(),
                "`" + result.fix().patch() + "`",
                word(result.fix().kind()),
                word(result.outcome()),
                result.parts().stream()
                        .map(part -> part.replaced() + (part.added() > 0 ? " + " + part.added() : ""))
                        .collect(Collectors.joining(", ")),
                numbers(result, CorpusResult.Part::text),
                numbers(result, CorpusResult.Part::bytes),
                application == null ? "" : word(application.outcome()),
                measured(application, Application::applyMillis),
                measured(application, Application::threads),
                application == null || application.requests() == 0 ? "" : String.valueOf(application.requests()),
                application == null ? "" : fixed(application.verification()),
                remark(result));
    }

    private static String measured(final @Nullable Application application, final ToLongFunction<Application> value) {
        return application == null || !applied(application) ? "" : String.valueOf(value.applyAsLong(application));
    }

    private static String fixed(final Verification verification) {
        return switch (verification) {
            case NONE -> "";
            case FIXED -> "yes";
            case NOT_SHOWN -> "not shown";
        };
    }

    private static String remark(final CorpusResult result) {
        final @Nullable Application application = result.application();
        final String what = result.reason().isEmpty()
                ? result.parts().stream().map(CorpusResult.Part::target).collect(Collectors.joining(", "))
                : firstLine(result.message());
        final String allowed = result.reason().isEmpty() ? firstLine(result.message()) : "";
        return Stream.of(what, allowed, application == null ? "" : firstLine(application.message()))
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining("; "));
    }

    private static String firstLine(final String text) {
        return text.lines().findFirst().orElse("").replace("|", "\\|");
    }

    private static String word(final Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String numbers(final CorpusResult result, final ToLongFunction<CorpusResult.Part> value) {
        return result.parts().stream()
                .map(part -> String.valueOf(value.applyAsLong(part)))
                .collect(Collectors.joining(", "));
    }

    private static String line(final Object... cells) {
        return Stream.of(cells).map(String::valueOf).collect(Collectors.joining(" | ", "| ", " |\n"));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.corpus.Application.Verification;
import dev.atlasviews.e2e.corpus.CorpusFix.Kind;
import dev.atlasviews.e2e.corpus.CorpusResult.Outcome;
import dev.atlasviews.e2e.corpus.CorpusResult.Part;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusReportTest {
    private static final Application APPLIED =
            new Application(Application.Outcome.APPLIED, "", 120, 90, 2, 7, 4096, 350, Verification.FIXED);

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    @Test
    void showsWhatWasAppliedAndWhatWasNot() throws Exception {
        final CorpusReport report = new CorpusReport(directory);
        report.replace("server", List.of(built("a.patch", 900), built("b.patch", 800), built("c.patch", 700)));
        report.apply(
                "server",
                Map.of(
                        "a.patch",
                        APPLIED,
                        "b.patch",
                        Application.not(Application.Outcome.HELD, "thread 7 is in loop")));

        assertThat(Files.readString(directory.resolve("corpus.md")))
                .contains("| server | 1.0 | 3 | 0 | 0 | 0 | 0 | 0 | 1 | 1 |")
                .contains("of those that were tried: **1 of 2 (50 %)**")
                .contains("of those with a test of it: **1 of 1**")
                .contains("| server | `a.patch` | text | built | 1 | 64 | 900 | applied | 120 | 7 | 350 | yes | program"
                        + " |")
                .contains("| 800 | held |  |  |  |  | program; thread 7 is in loop |")
                .contains("| 700 |  |  |  |  |  | program |");
    }

    @Test
    void forgetsOnlyWhatIsOfAnotherPatch() throws Exception {
        final CorpusReport report = new CorpusReport(directory);
        report.replace("server", List.of(built("a.patch", 900), built("b.patch", 800)));
        report.apply("server", Map.of("a.patch", APPLIED, "b.patch", APPLIED));

        report.replace("server", List.of(built("a.patch", 900), built("b.patch", 801)));

        assertThat(Files.readString(directory.resolve("corpus.md")))
                .contains("| 900 | applied | 120 | 7 | 350 | yes | program |")
                .contains("| 801 |  |  |  |  |  | program |");
    }

    @Test
    void saysWhatTheRecipeAllows() throws Exception {
        new CorpusReport(directory)
                .replace(
                        "server", List.of(built("a.patch", 900), built("b.patch", 800, "hidden stacks allowed: none")));

        assertThat(Files.readString(directory.resolve("corpus.md")))
                .contains("**2 of 2 (100 %)**, 1 of them as the recipe allows")
                .contains("| 800 |  |  |  |  |  | program; hidden stacks allowed: none |");
    }

    private static CorpusResult built(final String patch, final long bytes) {
        return built(patch, bytes, "");
    }

    private static CorpusResult built(final String patch, final long bytes, final String message) {
        return new CorpusResult(
                "server",
                "1.0",
                new CorpusFix(patch, Kind.TEXT, "one function", null, "true"),
                "",
                Outcome.BUILT,
                "",
                message,
                List.of(new Part("program", bytes, 1, 0, 64)),
                null);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.load.LoadCounts;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Ratio;
import dev.atlasviews.e2e.measure.Verdict;
import dev.atlasviews.e2e.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LatencyTableTest {
    @Test
    void saysWhatWasMeasuredOfEachServer() {
        assertThat(LatencyTable.of(List.of(server("one", Verdict.MET), server("two", Verdict.NOT_MEASURABLE))))
                .contains(
                        "| one | a file; 200/s over 6 connections | 1.0-1 | 5 in 2 | 40 × local, 40 × global | 400 |"
                                + " 9000 | 1 | 2 |",
                        "| one | undisturbed | 1.00 | 2.00 | 3.00 | 4.00 |  |  |",
                        "| one | local: each thread by itself | 1.10 | 2.20 | 3.30 | 4.40 | 1.02 (1.00 … 1.04) | met |",
                        "| two | local: each thread by itself | 1.10 | 2.20 | 3.30 | 4.40 | 1.02 (1.00 … 1.04) | not"
                                + " measurable here |",
                        "| two | 1.50 ms | 0.020 ms | 300.0 ms | 9.0 ms |");
    }

    @Test
    void everyRecipeCanBeRead() throws IOException {
        try (var files = Files.list(Path.of("latency"))) {
            assertThat(files.filter(file -> file.toString().endsWith(".yaml")))
                    .isNotEmpty()
                    .allSatisfy(recipe -> {
                        final ServerRecipe server = ServerRecipe.read(recipe);
                        assertThat(Path.of("corpus", server.corpusPackage() + ".yaml"))
                                .exists();
                        assertThat(server.load().rate()).isPositive();
                    });
        }
    }

    private static ServerLatency server(final String name, final Verdict verdict) {
        final Quantiles longer = new Quantiles(1.1, 2.2, 3.3, 4.4);
        return new ServerLatency(
                name,
                "a file",
                "1.0-1",
                "CVE.patch",
                "6.1.0",
                200,
                6,
                2,
                5,
                40,
                400,
                new LoadCounts(9000, 1, 2, "wrong reply"),
                Map.of(
                        Condition.UNDISTURBED, new Quantiles(1, 2, 3, 4),
                        Condition.CONTROL, longer,
                        Condition.LOCAL, longer,
                        Condition.GLOBAL, longer),
                new Comparison(99.5, 40, ratio(1), ratio(1.02), ratio(7.4), 1.05, verdict),
                new Report.Held(1_500_000, 20_000, 300_000_000, 9_000_000));
    }

    private static Ratio ratio(final double estimate) {
        return new Ratio(estimate, estimate - 0.02, estimate + 0.02);
    }
}

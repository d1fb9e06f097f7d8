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
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
    void hasARowForLibpulpWhereItPatched() {
        final ServerLatency server = server("one", Verdict.MET);
        final Map<Condition, Quantiles> latencies = new EnumMap<>(server.latencyMillis());
        latencies.put(Condition.LIBPULP, new Quantiles(1.2, 2.4, 3.6, 4.8));
        assertThat(LatencyTable.of(List.of(server(server, latencies, ratio(1.2)))))
                .contains(
                        "| 40 × local, 40 × global, 40 × libpulp |",
                        "| one | libpulp: stopped by ptrace | 1.20 | 2.40 | 3.60 | 4.80 | 1.20 (1.18 … 1.22) |  |");
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
                        assertThat(Path.of("corpus", Objects.requireNonNullElse(server.build(), ".")))
                                .isDirectoryContaining(file -> file.endsWith(server.corpusPackage() + ".yaml"));
                        if (server.libpulp() != null) {
                            assertThat(Path.of("latency/libpulp", server.libpulp() + ".dsc"))
                                    .exists();
                        }
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
                new Comparison(99.5, 40, ratio(1), ratio(1.02), ratio(7.4), null, 1.05, verdict),
                new Report.Held(1_500_000, 20_000, 300_000_000, 9_000_000));
    }

    private static ServerLatency server(
            final ServerLatency other, final Map<Condition, Quantiles> latencies, final Ratio libpulp) {
        final Comparison comparison = other.comparison();
        return new ServerLatency(
                other.server(),
                other.description(),
                other.version(),
                other.fix(),
                other.kernel(),
                other.rate(),
                other.connections(),
                other.processes(),
                other.threads(),
                other.applies(),
                other.patched(),
                other.requests(),
                latencies,
                new Comparison(
                        comparison.percentile(),
                        comparison.blocks(),
                        comparison.noise(),
                        comparison.local(),
                        comparison.global(),
                        libpulp,
                        comparison.bar(),
                        comparison.verdict()),
                other.held());
    }

    private static Ratio ratio(final double estimate) {
        return new Ratio(estimate, estimate - 0.02, estimate + 0.02);
    }
}

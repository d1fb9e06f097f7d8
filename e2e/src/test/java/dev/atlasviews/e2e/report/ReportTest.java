// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.e2e.load.Mark;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Ratio;
import dev.atlasviews.e2e.measure.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
    @Test
    void hasTheFieldsThatReadersRelyOn(@TempDir Path directory) throws Exception {
        var file = directory.resolve("report.json");
        ReportFile.write(report(true), file);
        var json = new ObjectMapper().readTree(Files.readString(file));
        assertThat(json.at("/kernel").asText()).isEqualTo("6.1.0-1-cloud-amd64");
        assertThat(json.at("/threads/total").asInt()).isEqualTo(7);
        assertThat(json.at("/threads/moved").asInt()).isEqualTo(6);
        assertThat(json.at("/stepsMillis/apply").asLong()).isEqualTo(812);
        assertThat(json.at("/requests/reconnects").asLong()).isEqualTo(0);
        assertThat(json.at("/interruptedSyscalls").isIntegralNumber()).isTrue();
        assertThat(json.at("/latencyMillis/global/p99_5").asDouble()).isEqualTo(300.5);
        assertThat(json.at("/latencyMillis/undisturbed/p50").asDouble()).isEqualTo(0.9);
        assertThat(json.at("/behaviour/reverted").asText()).isEqualTo("vulnerable");
        assertThat(json.at("/process/sameStartTime").asBoolean()).isTrue();
        assertThat(json.at("/process/keysAfter").asInt()).isEqualTo(1000);
        assertThat(json.at("/verified").asBoolean()).isTrue();
    }

    @Test
    void readsWhatItWrote(@TempDir Path directory) throws Exception {
        var file = directory.resolve("report.json");
        ReportFile.write(report(true), file);
        assertThat(ReportFile.read(file)).isEqualTo(report(true));
    }

    @Test
    void isNotVerifiedWhenOneCheckFailed() {
        assertThat(report(false).verified()).isFalse();
    }

    @Test
    void printsEveryThreadAndCheck() {
        var lines = String.join("\n", ReportTable.lines(report(false)));
        assertThat(lines).contains("io_thd_1", "✗ no error", "✓ same process", "P99.5", "bar for local: 1.30 — met");
        assertThat(lines.lines()).allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
    }

    private static Report report(boolean good) {
        var quantiles = new Quantiles(0.9, 2.5, 3.1, 7);
        return new Report(
                "6.1.0-1-cloud-amd64",
                new Report.Threads(7, 6),
                Map.of("apply", 812L),
                new Report.Requests(40_000, good ? 0 : 3, 0),
                0,
                new Report.Latencies(quantiles, quantiles, new Quantiles(1, 200, 300.5, 412)),
                new Report.Behaviour("vulnerable", "fixed", "vulnerable"),
                new Report.ProcessIdentity(true, true, 1000, 1000),
                List.of(new Report.ThreadRow(4242, "io_thd_1", 0, 1, 0, 913, 0)),
                new Comparison(
                        99.5,
                        30,
                        new Ratio(1, 0.98, 1.02),
                        new Ratio(1.02, 0.99, 1.05),
                        new Ratio(90, 70, 110),
                        null,
                        1.3,
                        Verdict.MET),
                new Report.Held(8_000, 3_000, 900_000_000, 300_000_000),
                new Report.Requests(90_000, 0, 0),
                List.of(new Mark("apply", 5_000_000_000L)),
                List.of(
                        new Report.Check("no error", good, good ? "0" : "3"),
                        new Report.Check("same process", true, "pid 4242")));
    }
}

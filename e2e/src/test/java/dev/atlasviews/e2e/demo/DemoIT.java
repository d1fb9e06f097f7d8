// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.report.Report;
import dev.atlasviews.e2e.report.ReportFile;
import dev.atlasviews.e2e.system.AtlasSystem;
import dev.atlasviews.e2e.system.SystemExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The demo's story with all its checks, but for those of latency: they are measured, not tested. */
@ExtendWith(SystemExtension.class)
@Order(Integer.MAX_VALUE) // its cluster is to be started by those of the package "system"
class DemoIT {
    private static final Path OUTPUT = Path.of("target/demo-test");

    @Test
    void aRunningRedisIsPatchedInPlace(AtlasSystem system) throws Exception {
        Files.createDirectories(OUTPUT);
        var report = new DemoRun(OUTPUT, 1, new Narrator(System.out)).on(system);
        ReportFile.write(report, OUTPUT.resolve("report.json"));

        assertThat(report.checks())
                .hasSizeGreaterThan(12)
                .allSatisfy(check -> assertThat(check.held())
                        .as("%s: %s", check.name(), check.found())
                        .isTrue());
        assertThat(report.behaviour()).isEqualTo(new Report.Behaviour("vulnerable", "fixed", "vulnerable"));
        assertThat(report.threads().moved()).isEqualTo(report.threads().total()).isGreaterThanOrEqualTo(7);
        assertThat(report.interruptedSyscalls()).isZero();
        assertThat(report.stepsMillis()).containsKeys("apply", "revert");
        assertThat(OUTPUT.resolve("latency.png")).isNotEmptyFile();
    }
}

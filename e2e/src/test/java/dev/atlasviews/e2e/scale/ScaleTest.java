// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.e2e.scale.ScaleResult.Memory;
import dev.atlasviews.e2e.scale.ScaleResult.Step;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScaleTest {
    @Test
    void aSizeTakesThePlaceOfWhatWasKnownOfIt(@TempDir Path report) throws Exception {
        Scale.put(report, result(100, 1));
        Scale.put(report, result(10, 2));
        Scale.put(report, result(100, 0));
        assertThat(report.resolve("scale.md"))
                .content()
                .containsSubsequence(
                        "| 10 | 100 | 1 | 20 MiB | 30 MiB | 200 MiB | 1.5 s | 200 | 3.0 s | 50 | 2.50 | 2 | 4.0 s |"
                                + " 300 |",
                        "| 100 | 1000 | 1 | 20 MiB | 30 MiB | 200 MiB | 1.5 s | 200 | 3.0 s | 50 | 0.25 | 0 | 4.0 s |"
                                + " 300 |")
                .doesNotContain("| 0.25 | 1 |");
    }

    private static ScaleResult result(int nodes, long quietWrites) {
        return new ScaleResult(
                nodes,
                nodes * SimulatedCluster.PODS_PER_NODE,
                1,
                new Memory(20 << 20, 150 << 20),
                new Step(1500, 200, 3),
                new Step(3000, 50, 3),
                new Memory(30 << 20, 200 << 20),
                quietWrites,
                0,
                new Step(4000, 300, 9));
    }
}

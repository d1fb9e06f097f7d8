// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RedisBenchmarkTest {
    private static final String RESULTS = """
        "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
        "SET","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        "GET","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        "INCR","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        "SADD","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        "HSET","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        "MSET (10 keys)","9523.81","0.093","0.048","0.087","0.143","0.191","0.391"
        """;

    @Test
    void acceptsAFaultlessRound() {
        assertThat(RedisBenchmark.problemOf(RESULTS, 0)).isNull();
    }

    @Test
    void reportsWhatIsPrintedBesidesResults() {
        assertThat(RedisBenchmark.problemOf(RESULTS + "Error from server: ERR no\n", 0))
                .isEqualTo("Error from server: ERR no");
    }

    @Test
    void reportsTheStatus() {
        assertThat(RedisBenchmark.problemOf(RESULTS, 1)).isEqualTo("redis-benchmark ended with status 1");
    }

    @Test
    void reportsMissingResults() {
        var cut = RESULTS.lines().limit(4).reduce("", (a, b) -> a + b + "\n");
        assertThat(RedisBenchmark.problemOf(cut, 0)).isEqualTo("redis-benchmark printed 3 results");
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The load against a real server. */
class LoadGeneratorTest {
    private static final DataSet DATA = new DataSet(200, 64, 4);
    private static final int RATE = 500;
    private static final Duration ROUND = Duration.ofSeconds(10);

    private RedisServer server;

    @BeforeEach
    void startServer(@TempDir Path directory) throws IOException {
        server = RedisServer.start(directory);
        try (var redis = server.connect()) {
            DATA.store(redis);
        }
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void keepsTheRateAndLeavesTheDataAsItWas() throws IOException {
        LoadCounts counts;
        long nanos;
        try (var load = LoadGenerator.start(load())) {
            await().until(() -> load.samples().size() >= 2 * RATE);
            nanos = load.nowNanos();
            counts = load.counts();
        }
        assertThat(counts.errors()).as(counts.firstError()).isZero();
        assertThat(counts.reconnects()).isZero();
        assertThat((double) counts.total()).isBetween(0.9 * RATE * nanos / 1e9, 1.1 * RATE * nanos / 1e9);
        try (var redis = server.connect()) {
            assertThat(DATA.countIntact(redis)).isEqualTo(DATA.size());
        }
    }

    @Test
    void countsAStallForEveryRequestThatFallsIntoIt() throws Exception {
        try (var load = LoadGenerator.start(load())) {
            await().until(() -> load.samples().size() >= RATE / 2);
            long stalled = load.nowNanos();
            server.pause();
            await().until(() -> load.nowNanos() - stalled > TimeUnit.MILLISECONDS.toNanos(400));
            server.resume();
            long resumed = load.nowNanos();
            await().until(() -> load.nowNanos() - resumed > TimeUnit.SECONDS.toNanos(1));
            var stall = load.samples().between(stalled + 20_000_000, resumed - 20_000_000);
            double expected = RATE * (resumed - stalled - 40_000_000) / 1e9;
            assertThat((double) stall.getTotalCount()).isBetween(0.9 * expected, 1.1 * expected);
            assertThat(stall.getMaxValue()).isGreaterThan(350_000);
            assertThat(stall.getValueAtPercentile(50)).isBetween(100_000L, 400_000L);
            assertThat(load.counts().errors()).isZero();
        }
    }

    @Test
    void waitsForTheSlowestReplies() throws Exception {
        try (var load = LoadGenerator.start(load())) {
            await().until(() -> load.samples().size() >= RATE / 2);
            server.pause();
            long stalled = load.nowNanos();
            Thread.ofPlatform().daemon().start(() -> {
                await().until(() -> load.nowNanos() - stalled > TimeUnit.MILLISECONDS.toNanos(300));
                resume();
            });
            load.awaitReplies(stalled + TimeUnit.MILLISECONDS.toNanos(100));
            assertThat(load.nowNanos() - stalled).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(300));
            var stall = load.samples().between(stalled, stalled + TimeUnit.MILLISECONDS.toNanos(100));
            assertThat((double) stall.getTotalCount()).isBetween(0.09 * RATE, 0.11 * RATE);
        }
    }

    @Test
    void countsALostServer() throws IOException {
        try (var load = LoadGenerator.start(load())) {
            await().until(() -> load.samples().size() >= RATE / 2);
            assertThat(load.counts().errors()).isZero();
            server.close();
            await().atMost(Duration.ofSeconds(20)).until(() -> load.counts().reconnects() == load().connections());
            assertThat(load.counts().errors()).isPositive();
            assertThat(load.counts().firstError()).contains("JedisConnectionException");
        }
    }

    @Test
    void sendsTheSameBytesAgainAndAgain() throws IOException {
        try (var redis = server.connect()) {
            redis.set("key", "value");
        }
        var clients = clients("AUTH nobody\r\n", "\r\n", "GET key\r\n", "$5\r\nvalue\r\n");
        try (var load = LoadGenerator.start(new Load(RATE, 5, clients))) {
            await().until(() -> load.samples().size() >= RATE);
            assertThat(load.counts().errors()).as(load.counts().firstError()).isZero();
            server.close();
            await().until(() -> load.counts().reconnects() == 5);
        }
    }

    @Test
    void waitsForTheEndOfTheReply() throws IOException {
        var clients = clients("", "", "ECHO \"begin and end\"\r\n", "$4\r\nelse\r\n");
        try (var load = LoadGenerator.start(new Load(RATE, 5, clients))) {
            await().until(() -> load.nowNanos() > TimeUnit.SECONDS.toNanos(1));
            assertThat(load.samples().size()).isZero();
            server.close();
        }
    }

    @Test
    void countsAWrongReply() throws IOException {
        try (var redis = server.connect()) {
            redis.flushAll();
        }
        try (var load = LoadGenerator.start(load())) {
            await().until(() -> load.counts().errors() > 0);
            assertThat(load.counts().firstError()).isEqualTo("wrong reply");
            assertThat(load.counts().reconnects()).isZero();
        }
    }

    @Test
    void noticesMissingAndChangedData() {
        try (var redis = server.connect()) {
            redis.del(DATA.key(3), DATA.counter(1));
            redis.set(DATA.key(4), "something else");
            assertThat(DATA.countIntact(redis)).isEqualTo(DATA.size() - 3);
        }
    }

    @Test
    void runsRedisBenchmarkRoundAfterRound() {
        LoadCounts counts;
        try (var benchmark = RedisBenchmark.start("127.0.0.1", server.port(), 8, 2, 128, 200, ROUND)) {
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> benchmark.counts().total() >= 3 * 6 * 200);
            counts = benchmark.counts();
        }
        assertThat(counts.errors()).as(counts.firstError()).isZero();
    }

    @Test
    void noticesThatRedisBenchmarkLostItsServer() {
        try (var benchmark = RedisBenchmark.start("127.0.0.1", server.port(), 2, 1, 3, 100, ROUND)) {
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> benchmark.counts().total() > 0);
            server.close();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> benchmark.counts().errors() > 0);
            assertThat(benchmark.counts().firstError()).isNotEmpty();
        }
    }

    private void resume() {
        try {
            server.resume();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private ByteClients clients(String greeting, String greeted, String request, String reply) {
        return new ByteClients("127.0.0.1", server.port(), greeting, greeted, request, reply);
    }

    private Load load() {
        return new Load(RATE, 5, new RedisClients("127.0.0.1", server.port(), DATA, 42));
    }
}

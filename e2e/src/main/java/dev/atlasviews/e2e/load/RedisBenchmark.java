// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Redis' own load generator, {@code redis-benchmark}, run round after round as a second client that
 * shares no code with {@link LoadGenerator}. It sends as fast as the server answers, with a pause after each round, so
 * that others find the server's processors free now and then.
 */
public final class RedisBenchmark implements AutoCloseable {
    private static final List<String> TESTS = List.of("set", "get", "incr", "sadd", "hset", "mset");

    private static final Duration PAUSE = Duration.ofMillis(500);

    /** Stands for the exit status of a round that was ended because it took too long. */
    private static final int ENDLESS = -1;

    private final List<String> command;
    private final int requestsPerRound;
    private final Duration roundLimit;
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicReference<String> firstError = new AtomicReference<>("");
    private final Thread thread;
    private volatile boolean stopped;

    private RedisBenchmark(List<String> command, int requestsPerRound, Duration roundLimit) {
        this.command = command;
        this.requestsPerRound = requestsPerRound;
        this.roundLimit = roundLimit;
        this.thread = Thread.ofPlatform().daemon().name("redis-benchmark").unstarted(this::run);
    }

    /**
     * Starts the first round.
     *
     * @param clients parallel connections; enough of them wake Redis' I/O threads
     * @param pipeline requests that each sends at once
     * @param valueBytes length of the values that it stores
     * @param requestsPerRound requests of each kind in a round
     * @param roundLimit a round that takes longer has failed: redis-benchmark may try for ever to reach a server
     *     that is gone
     */
    public static RedisBenchmark start(
            String host,
            int port,
            int clients,
            int pipeline,
            int valueBytes,
            int requestsPerRound,
            Duration roundLimit) {
        var command = List.of(
                "redis-benchmark",
                "--csv",
                "-h",
                host,
                "-p",
                Integer.toString(port),
                "-c",
                Integer.toString(clients),
                "-P",
                Integer.toString(pipeline),
                "-d",
                Integer.toString(valueBytes),
                "-n",
                Integer.toString(requestsPerRound),
                "-t",
                String.join(",", TESTS));
        var benchmark = new RedisBenchmark(command, requestsPerRound, roundLimit);
        benchmark.thread.start();
        return benchmark;
    }

    /** What became of the requests of the rounds that have ended. */
    public LoadCounts counts() {
        return new LoadCounts(requests.get(), errors.get(), 0, firstError.get());
    }

    /** Starts no further round, and waits for the one under way. */
    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            var output = Files.createTempFile("redis-benchmark", ".csv");
            try {
                while (!stopped) {
                    runRound(output);
                    LockSupport.parkNanos(PAUSE.toNanos());
                }
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("redis-benchmark can not be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void runRound(Path output) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            int exit = process.waitFor(roundLimit) ? process.exitValue() : ENDLESS;
            record(Files.readString(output), exit);
        } finally {
            process.destroyForcibly();
        }
    }

    private void record(String output, int exit) {
        requests.addAndGet(output.lines().filter(RedisBenchmark::isResult).count() * requestsPerRound);
        var problem = problemOf(output, exit);
        if (problem != null) {
            errors.incrementAndGet();
            firstError.compareAndSet("", problem);
        }
    }

    /**
     * What went wrong in a round. redis-benchmark prints results as quoted CSV; everything else it
     * prints is a complaint.
     *
     * @return the first complaint, or null when the round was faultless
     */
    static @Nullable String problemOf(String output, int exit) {
        var complaint = output.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("\""))
                .findFirst();
        if (complaint.isPresent()) {
            return complaint.get();
        }
        if (exit == ENDLESS) {
            return "redis-benchmark did not end";
        }
        if (exit != 0) {
            return "redis-benchmark ended with status " + exit;
        }
        long results = output.lines().filter(RedisBenchmark::isResult).count();
        return results >= TESTS.size() ? null : "redis-benchmark printed " + results + " results";
    }

    private static boolean isResult(String line) {
        return line.startsWith("\"") && !line.toLowerCase(Locale.ROOT).startsWith("\"test\"");
    }
}

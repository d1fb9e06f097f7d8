// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.load;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** A running load: one thread for each connection, from {@link #start} to {@link #close}. */
public final class LoadGenerator implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(5);

    private final Samples samples = new Samples();
    private final List<Mark> marks = new CopyOnWriteArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong reconnects = new AtomicLong();
    private final AtomicReference<String> firstError = new AtomicReference<>("");
    private long originNanos;
    private Instant origin = Instant.EPOCH;
    private volatile boolean stopped;

    private LoadGenerator() {}

    /**
     * Connects, then begins to send.
     *
     * @throws IOException when the server does not answer
     */
    public static LoadGenerator start(Load load) throws IOException {
        var generator = new LoadGenerator();
        for (int i = 0; i < load.connections(); i++) {
            var connection = new Connection(load, i, generator);
            connection.connect();
            generator.connections.add(connection);
            generator.threads.add(Thread.ofPlatform().daemon().name("load-" + i).unstarted(connection));
        }
        generator.originNanos = System.nanoTime();
        generator.origin = Instant.now();
        generator.threads.forEach(Thread::start);
        return generator;
    }

    /** Nanoseconds since the load began. */
    public long nowNanos() {
        return System.nanoTime() - originNanos;
    }

    /** Notes that something happens now. */
    public Mark mark(String name) {
        var mark = new Mark(name, nowNanos());
        marks.add(mark);
        return mark;
    }

    /** Notes that something happened at a time of this machine's clock. */
    public Mark mark(String name, Instant at) {
        var mark = new Mark(name, Duration.between(origin, at).toNanos());
        marks.add(mark);
        return mark;
    }

    /** What happened so far, in the order in which it was noted. */
    public List<Mark> marks() {
        return List.copyOf(marks);
    }

    /** The requests so far. */
    public Samples samples() {
        return samples;
    }

    /**
     * Waits until every request that was due before some time has its reply, however long that takes: a window that ended
     * without waiting for the slowest requests would leave just those out.
     *
     * @param nanos nanoseconds after the start of the load
     */
    public void awaitReplies(long nanos) {
        while (!stopped && connections.stream().anyMatch(connection -> connection.nextIntended() < nanos)) {
            LockSupport.parkNanos(POLL.toNanos());
        }
    }

    /** What became of the requests so far. */
    public LoadCounts counts() {
        return new LoadCounts(samples.size(), errors.get(), reconnects.get(), firstError.get());
    }

    /** Ends the load: no request leaves after it, and those under way are waited for. */
    @Override
    public void close() {
        stopped = true;
        for (var thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    boolean isStopped() {
        return stopped;
    }

    void countError(String what) {
        errors.incrementAndGet();
        firstError.compareAndSet("", what);
    }

    void countReconnect() {
        reconnects.incrementAndGet();
    }
}

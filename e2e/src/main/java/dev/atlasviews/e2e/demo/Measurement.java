// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.e2e.load.LoadGenerator;
import dev.atlasviews.e2e.measure.AlternatingWindows;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Windows;
import dev.atlasviews.e2e.picture.Episode;
import dev.atlasviews.e2e.picture.Span;
import dev.atlasviews.e2e.redis.PatchCycle;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Measures the load's latency while the fix goes in and out, thread by thread and with all threads stopped, beside
 * windows of the same length in which nothing happens.
 */
final class Measurement {
    private static final Duration WINDOW = Duration.ofSeconds(3);
    /** Before, between and after the patch and its revert in the picture. */
    private static final Duration CALM = Duration.ofSeconds(4);

    private static final Duration SLICE = Duration.ofMillis(100);

    private final LoadGenerator load;
    private final PatchCycle cycle;
    /** When the agent said that a thread moved, on the load's clock. */
    private final Queue<Long> moves = new ConcurrentLinkedQueue<>();

    /** Something that is done while it is measured. */
    @FunctionalInterface
    private interface Action {
        void run() throws IOException;
    }

    Measurement(LoadGenerator load, PatchCycle cycle) {
        this.load = load;
        this.cycle = cycle;
    }

    /** A thread moved just now. */
    void threadMoved() {
        moves.add(load.nowNanos());
    }

    /** Measures each condition once for every block, after the fix went in and out some times. */
    Windows windows(int warmUps, int blocks, Consumer<Windows> afterBlock) throws IOException {
        return new AlternatingWindows(load, this::happen, Condition.OF_ANY_SERVER, WINDOW)
                .measure(warmUps, blocks, afterBlock);
    }

    /** One patch and its revert with calm around them. */
    Episode episode(String title, String colour, QuiescenceScope scope, double undisturbedMillis) throws IOException {
        long begin = load.nowNanos();
        sleep(CALM);
        moves.clear();
        var spans = new ArrayList<Span>();
        long zero = load.nowNanos();
        spans.add(span("patch", () -> cycle.apply("picture", scope)));
        sleep(CALM);
        spans.add(span("revert", () -> cycle.revert("picture")));
        sleep(CALM);
        long end = load.nowNanos();
        load.awaitReplies(end);
        return new Episode(
                title,
                colour,
                zero,
                load.samples().slices(begin, end, SLICE.toNanos()),
                spans,
                List.copyOf(moves),
                undisturbedMillis);
    }

    private Span span(String name, Action what) throws IOException {
        long from = load.nowNanos();
        what.run();
        return new Span(name, from, load.nowNanos());
    }

    private void happen(Condition condition) throws IOException {
        switch (condition) {
            case UNDISTURBED, CONTROL -> {
                // Nothing is what is measured.
            }
            case LOCAL -> patchAndRevert(QuiescenceScope.THREAD);
            case GLOBAL -> patchAndRevert(QuiescenceScope.PROCESS);
            case LIBPULP -> throw new IllegalArgumentException("the server is not prepared for libpulp");
        }
    }

    private void patchAndRevert(QuiescenceScope scope) throws IOException {
        cycle.apply("window", scope);
        cycle.revert("window");
    }

    private void sleep(Duration duration) {
        long end = load.nowNanos() + duration.toNanos();
        for (long left = end - load.nowNanos(); left > 0; left = end - load.nowNanos()) {
            LockSupport.parkNanos(left);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.measure;

import dev.atlasviews.e2e.load.LoadGenerator;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Measures a server under load in windows whose conditions alternate.
 *
 * @param load on the server
 * @param disturbance what a condition is
 * @param conditions that are compared, those in which something happens from {@link Condition#LOCAL} on
 * @param window how long a window is at least; longer when the disturbance is
 */
public record AlternatingWindows(
        LoadGenerator load, Disturbance disturbance, List<Condition> conditions, Duration window) {
    private static final long SEED = 7;
    /** Between two windows, so that what one leaves behind is not counted in the next. */
    private static final Duration PAUSE = Duration.ofMillis(700);

    /**
     * Measures each condition once for every block. The first times, at which the agent's code is still being compiled,
     * are not measured.
     *
     * @param warmUps how often the server is disturbed before
     * @param blocks how often each condition is measured
     * @param afterBlock gets the windows so far
     */
    public Windows measure(int warmUps, int blocks, Consumer<Windows> afterBlock) throws IOException {
        var disturbing = conditions.subList(conditions.indexOf(Condition.LOCAL), conditions.size());
        for (int i = 0; i < warmUps; i++) {
            disturbance.happen(disturbing.get(i % disturbing.size()));
        }
        var windows = new Windows(conditions);
        for (var block : WindowPlan.alternating(conditions, blocks, SEED)) {
            // Else a collection stops the load in some window, whose condition is not to blame for it.
            System.gc();
            for (var condition : block) {
                sleepUntil(load.nowNanos() + PAUSE.toNanos());
                long start = load.nowNanos();
                disturbance.happen(condition);
                long end = Math.max(load.nowNanos(), start + window.toNanos());
                sleepUntil(end);
                load.awaitReplies(end);
                windows.add(condition, load.samples().between(start, end));
            }
            afterBlock.accept(windows);
        }
        return windows;
    }

    private void sleepUntil(long nanos) {
        for (long left = nanos - load.nowNanos(); left > 0; left = nanos - load.nowNanos()) {
            LockSupport.parkNanos(left);
        }
    }
}

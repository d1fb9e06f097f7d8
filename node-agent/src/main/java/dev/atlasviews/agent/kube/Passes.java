// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/** Times the passes over PodViews, and knows whether they come to their end. */
final class Passes {
    private final Timer succeeded;
    private final Timer failed;
    private final LongSupplier nanos;
    private final Set<Pass> running = ConcurrentHashMap.newKeySet();
    /** When the last one ended; at first, when there could have been one. */
    private volatile long ended;

    Passes(final MeterRegistry registry) {
        this(registry, System::nanoTime);
    }

    Passes(final MeterRegistry registry, final LongSupplier nanos) {
        this.nanos = nanos;
        this.ended = nanos.getAsLong();
        this.succeeded = timer(registry, "success");
        this.failed = timer(registry, "failure");
    }

    /** A pass; one that ends without having succeeded has failed. */
    final class Pass implements AutoCloseable {
        private final long begun = nanos.getAsLong();
        private Timer result = failed;

        private Pass() {}

        void succeeded() {
            result = succeeded;
        }

        @Override
        public void close() {
            running.remove(this);
            ended = nanos.getAsLong();
            result.record(since(begun));
        }
    }

    /** Begins a pass, which the caller closes. */
    Pass begin() {
        final Pass pass = new Pass();
        running.add(pass);
        return pass;
    }

    /**
     * Whether some are under way for longer than this and none has ended meanwhile. One pod that keeps its own pass from
     * ending is in nobody else's way.
     */
    boolean stuckFor(final Duration limit) {
        return since(ended).compareTo(limit) > 0
                && running.stream().anyMatch(pass -> since(pass.begun).compareTo(limit) > 0);
    }

    private Duration since(final long then) {
        return Duration.ofNanos(nanos.getAsLong() - then);
    }

    private static Timer timer(final MeterRegistry registry, final String result) {
        return registry.timer("atlas.agent.pass", "result", result);
    }
}

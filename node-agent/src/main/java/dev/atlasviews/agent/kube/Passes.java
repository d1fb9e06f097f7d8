// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Times the passes over PodViews, and knows of one that does not come to its end. */
final class Passes {
    private final Timer succeeded;
    private final Timer failed;
    private final Set<Pass> running = ConcurrentHashMap.newKeySet();

    Passes(final MeterRegistry registry) {
        this.succeeded = timer(registry, "success");
        this.failed = timer(registry, "failure");
    }

    /** A pass; one that ends without having succeeded has failed. */
    final class Pass implements AutoCloseable {
        private final long begun = System.nanoTime();
        private Timer result = failed;

        private Pass() {}

        void succeeded() {
            result = succeeded;
        }

        @Override
        public void close() {
            running.remove(this);
            result.record(duration());
        }

        private Duration duration() {
            return Duration.ofNanos(System.nanoTime() - begun);
        }
    }

    /** Begins a pass, which the caller closes. */
    Pass begin() {
        final Pass pass = new Pass();
        running.add(pass);
        return pass;
    }

    /** Whether one lasts longer than this. */
    boolean anyLongerThan(final Duration limit) {
        return running.stream().anyMatch(pass -> pass.duration().compareTo(limit) > 0);
    }

    private static Timer timer(final MeterRegistry registry, final String result) {
        return registry.timer("atlas.agent.pass", "result", result);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tidies up now and then what is left of processes: of the end of one nobody is told. */
final class Housekeeping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final Chore chore;
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("housekeeping").factory());

    /** What is done again and again. */
    @FunctionalInterface
    interface Chore {
        void run() throws IOException;
    }

    Housekeeping(final Chore chore) {
        this.chore = chore;
    }

    /** At once, and from then on with this pause. */
    void start(final Duration pause) {
        final var _ = later.scheduleWithFixedDelay(this::attempt, 0, pause.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        later.shutdownNow();
    }

    /** What went wrong once is tried again the next time. */
    private void attempt() {
        try {
            chore.run();
        } catch (final IOException | RuntimeException e) {
            LOG.warn("what is left of processes that are gone can not be removed", e);
        }
    }
}

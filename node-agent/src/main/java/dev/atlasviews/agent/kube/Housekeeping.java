// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does now and then what nobody asks for: of the end of a process, or of an object, an agent is not told. */
final class Housekeeping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final String purpose;
    private final Chore chore;
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("housekeeping").factory());

    /** What is done again and again. */
    @FunctionalInterface
    interface Chore {
        void run() throws IOException;
    }

    /** Something to be done, and what for, as a sentence about its failure begins. */
    Housekeeping(final String purpose, final Chore chore) {
        this.purpose = purpose;
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
            LOG.warn("{} can not be done now; it is tried again later", purpose, e);
        }
    }
}

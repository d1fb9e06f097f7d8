// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.events;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Kubernetes events: one for each thing it is about and each reason, which counts how often it came. They are told for
 * people, and nobody waits for them: one thread writes them, in the order in which they came. What can not be written, because
 * of a missing right or since the store of events is away, and what is too much to be remembered meanwhile, is lost and counted.
 */
public final class EventRecorder implements AutoCloseable {
    /** How many were lost. */
    static final String LOST = "atlas.events.lost";
    /** How many may wait. */
    static final int LIMIT = 1000;
    /** How long whoever stops waits for those that wait. */
    static final Duration FLUSH = Duration.ofSeconds(5);

    private static final Logger LOG = LoggerFactory.getLogger(EventRecorder.class);
    private static final String STOPPED = "the operator stops";
    private static final int NAME_PREFIX_LIMIT = 180;
    private static final int UID_PREFIX = 8;

    private final KubernetesClient client;
    private final Counter lost;
    private final ThreadPoolExecutor writer;
    /** One line of the log is enough until one could be written again. */
    private final AtomicBoolean failing = new AtomicBoolean();

    /**
     * A recorder.
     *
     * @param client the cluster
     * @param registry where it counts what is lost
     */
    public EventRecorder(final KubernetesClient client, final MeterRegistry registry) {
        this.client = client;
        this.lost = registry.counter(LOST);
        this.writer = new ThreadPoolExecutor(
                1,
                1,
                FLUSH.toSeconds(),
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(LIMIT),
                Thread.ofPlatform().daemon().name("events").factory(),
                (event, pool) -> lose(pool.isShutdown() ? STOPPED : "too many of them wait to be written"));
        writer.allowCoreThreadTimeOut(true);
    }

    /**
     * Has an event written, and returns at once.
     *
     * @param source the name of the controller that the event comes from
     * @param about what it is about
     * @param cause the name of whatever caused it, where several things can
     * @param warning whether somebody should look
     * @param reason why, in one word
     * @param message why, in a sentence
     */
    public void record(
            final String source,
            final ObjectReference about,
            final String cause,
            final boolean warning,
            final String reason,
            final String message) {
        final String now = Instant.now().toString();
        final Event event = new EventBuilder()
                .withNewMetadata()
                .withName(nameOf(about, cause, reason))
                .withNamespace(about.getNamespace())
                .endMetadata()
                .withInvolvedObject(about)
                .withNewSource()
                .withComponent(source)
                .endSource()
                .withType(warning ? "Warning" : "Normal")
                .withReason(reason)
                .withMessage(message)
                .withFirstTimestamp(now)
                .withLastTimestamp(now)
                .withCount(1)
                .build();
        writer.execute(() -> write(event));
    }

    /** Writes what waits, as far as that takes no longer than {@link #FLUSH}; what comes later is lost. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (writer.awaitTermination(FLUSH.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        writer.shutdownNow().forEach(event -> lose(STOPPED));
    }

    private void write(final Event event) {
        try {
            final Event before = client.resource(event).get();
            if (before != null) {
                event.setFirstTimestamp(before.getFirstTimestamp());
                event.setCount(Objects.requireNonNullElse(before.getCount(), 0) + 1);
            }
            client.resource(event)
                    .fieldManager(event.getSource().getComponent())
                    .forceConflicts()
                    .serverSideApply();
            failing.set(false);
        } catch (final RuntimeException e) {
            // Whatever it is, the next one may do better.
            lose("%s of %s %s/%s: %s"
                    .formatted(
                            event.getReason(),
                            event.getInvolvedObject().getKind(),
                            event.getInvolvedObject().getNamespace(),
                            event.getInvolvedObject().getName(),
                            e.getMessage()));
        }
    }

    private void lose(final String why) {
        lost.increment();
        if (failing.compareAndSet(false, true)) {
            LOG.warn("events are lost, {}", why);
        }
    }

    private static String nameOf(final ObjectReference about, final String cause, final String reason) {
        final String name = about.getName();
        return "%s.%s.%s.%08x"
                .formatted(
                        name.substring(0, Math.min(name.length(), NAME_PREFIX_LIMIT)),
                        about.getUid().substring(0, Math.min(about.getUid().length(), UID_PREFIX)),
                        reason.toLowerCase(Locale.ROOT),
                        cause.hashCode());
    }
}

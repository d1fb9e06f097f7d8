// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.events;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Kubernetes events: one for each thing it is about and each reason, which counts how often it came. They are told for
 * people, and nothing waits for them: where one can not be written, because of a missing right or since the store of events is
 * away, that is logged, and this recorder writes no other.
 */
public final class EventRecorder {
    private static final Logger LOG = LoggerFactory.getLogger(EventRecorder.class);
    private static final int NAME_PREFIX_LIMIT = 180;
    private static final int UID_PREFIX = 8;

    private final KubernetesClient client;
    private final String source;
    private volatile boolean failed;

    /**
     * A recorder.
     *
     * @param client the cluster
     * @param source the name of the controller that the events come from
     */
    public EventRecorder(final KubernetesClient client, final String source) {
        this.client = client;
        this.source = source;
    }

    /**
     * Writes an event.
     *
     * @param about what it is about
     * @param cause the name of whatever caused it, where several things can
     * @param warning whether somebody should look
     * @param reason why, in one word
     * @param message why, in a sentence
     */
    public void record(
            final ObjectReference about,
            final String cause,
            final boolean warning,
            final String reason,
            final String message) {
        if (failed) {
            return;
        }
        try {
            write(about, cause, warning, reason, message);
        } catch (final KubernetesClientException e) {
            failed = true;
            LOG.warn(
                    "no event {} of {} {}/{}: {}",
                    reason,
                    about.getKind(),
                    about.getNamespace(),
                    about.getName(),
                    e.getMessage());
        }
    }

    private void write(
            final ObjectReference about,
            final String cause,
            final boolean warning,
            final String reason,
            final String message) {
        final String now = Instant.now().toString();
        final String name = nameOf(about, cause, reason);
        final var events = client.v1().events().inNamespace(about.getNamespace());
        final Event before = events.withName(name).get();
        final Event event = new EventBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(about.getNamespace())
                .endMetadata()
                .withInvolvedObject(about)
                .withNewSource()
                .withComponent(source)
                .endSource()
                .withType(warning ? "Warning" : "Normal")
                .withReason(reason)
                .withMessage(message)
                .withFirstTimestamp(before == null ? now : before.getFirstTimestamp())
                .withLastTimestamp(now)
                .withCount(before == null ? 1 : Objects.requireNonNullElse(before.getCount(), 0) + 1)
                .build();
        client.resource(event).fieldManager(source).forceConflicts().serverSideApply();
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

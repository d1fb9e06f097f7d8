// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;

/** Writes Kubernetes events about ViewPatches: one object per ViewPatch and reason, which counts how often it came. */
final class EventRecorder {
    private static final int NAME_PREFIX_LIMIT = 180;

    private final KubernetesClient client;

    EventRecorder(final KubernetesClient client) {
        this.client = client;
    }

    void record(final ViewPatch patch, final boolean warning, final String reason, final String message) {
        final String now = Instant.now().toString();
        final String name = nameOf(patch, reason);
        final var events = client.v1().events().inNamespace(patch.getMetadata().getNamespace());
        final Event before = events.withName(name).get();
        final Event event = new EventBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(patch.getMetadata().getNamespace())
                .endMetadata()
                .withNewInvolvedObject()
                .withApiVersion(patch.getApiVersion())
                .withKind(patch.getKind())
                .withNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getMetadata().getName())
                .withUid(patch.getMetadata().getUid())
                .endInvolvedObject()
                .withNewSource()
                .withComponent(ViewPatchReconciler.NAME)
                .endSource()
                .withType(warning ? "Warning" : "Normal")
                .withReason(reason)
                .withMessage(message)
                .withFirstTimestamp(before == null ? now : before.getFirstTimestamp())
                .withLastTimestamp(now)
                .withCount(before == null ? 1 : Objects.requireNonNullElse(before.getCount(), 0) + 1)
                .build();
        client.resource(event)
                .fieldManager(ViewPatchReconciler.NAME)
                .forceConflicts()
                .serverSideApply();
    }

    private static String nameOf(final ViewPatch patch, final String reason) {
        final String name = patch.getMetadata().getName();
        return "%s.%s.%s"
                .formatted(
                        name.substring(0, Math.min(name.length(), NAME_PREFIX_LIMIT)),
                        patch.getMetadata().getUid().substring(0, 8),
                        reason.toLowerCase(Locale.ROOT));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.events.EventRecorder;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Says what became of a ViewPatch in a pod where people look who only know the pod: one event for each outcome that it comes
 * to. What was so when the operator started is not said again.
 */
final class PodEvents {
    private static final Set<Outcome> WORTH_SAYING =
            EnumSet.of(Outcome.APPLIED, Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.REVERTED);

    private final EventRecorder recorder;
    /** By ViewPatch, then by the pod's UID: what was last said. */
    private final Map<String, Map<String, String>> said = new ConcurrentHashMap<>();

    PodEvents(final EventRecorder recorder) {
        this.recorder = recorder;
    }

    /** Says what is new. */
    void announce(final ViewPatch patch, final List<PodOutcome> outcomes) {
        final Map<String, String> before = said.get(key(patch));
        final Map<String, String> now = new HashMap<>();
        for (final PodOutcome outcome : outcomes) {
            final String news = outcome.outcome() + " " + outcome.reason();
            now.put(outcome.uid(), news);
            final boolean known = before == null
                    ? patch.getStatus() != null && patch.getStatus().pods() != null
                    : news.equals(before.get(outcome.uid()));
            if (!known && WORTH_SAYING.contains(outcome.outcome())) {
                recorder.record(
                        ViewPatchReconciler.NAME,
                        outcome.reference(patch.getMetadata().getNamespace()),
                        patch.getMetadata().getName(),
                        outcome.outcome() != Outcome.APPLIED,
                        outcome.reason(),
                        "ViewPatch %s: %s".formatted(patch.getMetadata().getName(), outcome.message()));
            }
        }
        said.put(key(patch), now);
    }

    void forget(final ViewPatch patch) {
        said.remove(key(patch));
    }

    private static String key(final ViewPatch patch) {
        return Layers.nameOf(patch) + " " + patch.getMetadata().getUid();
    }
}

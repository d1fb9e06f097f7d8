// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.outcomes;

import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.operator.layers.Layers;
import java.util.stream.Collectors;

/**
 * A layer in a process of a pod.
 *
 * @param process the process
 * @param layer the layer
 */
record Finding(ProcessStatus process, LayerStatus layer) {
    private static final int NAMED_THREADS = 3;

    Outcome outcome() {
        return Outcome.of(layer.state());
    }

    boolean isHeld() {
        return layer.threads().held() > 0;
    }

    /** What people are told: the process, what became of it, and which threads are waited for. */
    String message(final PodView view) {
        final String text = "%s (pid %d): %s".formatted(process.program(), process.pid(), named(layer.message(), view));
        return process.heldThreads().isEmpty() || !isHeld() ? text : text + "; held: " + heldThreads();
    }

    /** An agent knows patches by their digests; people know them by the ViewPatches that ask for them. */
    private String named(final String message, final PodView view) {
        String result = message;
        for (final Layer other : Layers.of(view).toList()) {
            if (!other.name().equals(layer.name()) && !other.digest().equals(layer.digest())) {
                result = result.replace(
                        other.digest().hex(),
                        "%s (ViewPatch %s)".formatted(other.digest().hex().substring(0, 12), other.name()));
            }
        }
        return result;
    }

    private String heldThreads() {
        final String named = process.heldThreads().stream()
                .limit(NAMED_THREADS)
                .map(Finding::text)
                .collect(Collectors.joining(", "));
        final int more = process.threads().held()
                - Math.min(NAMED_THREADS, process.heldThreads().size());
        return more > 0 ? named + " and " + more + " more" : named;
    }

    private static String text(final HeldThread thread) {
        return "%s (%d) in %s since %s".formatted(thread.name(), thread.tid(), thread.function(), thread.since());
    }
}

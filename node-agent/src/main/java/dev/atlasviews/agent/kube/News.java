// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a status tells that the one before did not. */
enum News {
    /** Nothing. */
    NONE,
    /** Only numbers, and which threads are held: they change as often as a program starts threads. */
    NUMBERS,
    /** What became of a layer in a process. */
    STATES;

    /** What matters of a process. */
    private record Essence(
            String container,
            String bootId,
            int pid,
            long startTime,
            @Nullable String view,
            List<String> layers) {
        static Essence of(final ProcessStatus process) {
            return new Essence(
                    process.container(),
                    process.bootId(),
                    process.pid(),
                    process.startTime(),
                    process.view(),
                    process.layers().stream().map(Essence::of).toList());
        }

        private static String of(final LayerStatus layer) {
            return String.join(
                    " ", layer.name(), layer.digest().value(), layer.state().name(), layer.reason());
        }
    }

    /**
     * Compares what is stored with what is found now.
     *
     * @param before the status that is stored; null if there is none
     * @param now the status that was found
     */
    static News between(final @Nullable PodViewStatus before, final PodViewStatus now) {
        if (now.equals(before)) {
            return NONE;
        }
        return before != null
                        && Objects.equals(before.observedGeneration(), now.observedGeneration())
                        && before.summary().state() == now.summary().state()
                        && essence(before).equals(essence(now))
                ? NUMBERS
                : STATES;
    }

    /** Processes that no layer is for come and go as they like. */
    private static List<Essence> essence(final PodViewStatus status) {
        return status.processes().stream()
                .filter(process ->
                        process.layers().stream().anyMatch(layer -> layer.state() != LayerState.NOTHING_TO_DO))
                .map(Essence::of)
                .toList();
    }
}

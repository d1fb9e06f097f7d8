// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Which layers each thread of a process should have, of the threads that there were at one instant. */
final class ThreadSelection {
    private final List<Layer> layers;
    private final Map<String, Set<Integer>> chosen;

    /**
     * Chooses.
     *
     * @param layers those that concern the process, lowest first
     * @param threads all of its threads
     */
    ThreadSelection(final List<Layer> layers, final List<ThreadEntry> threads) {
        final Map<Integer, String> names =
                threads.stream().collect(Collectors.toMap(ThreadEntry::tid, ThreadEntry::name, (one, other) -> one));
        this.layers = layers;
        this.chosen = layers.stream()
                .collect(
                        Collectors.toMap(Layer::digest, layer -> layer.threads().chosen(names), (one, other) -> one));
    }

    /** The stack of the layers that are meant for a thread. One that was born since has no part in a share. */
    LayerStack stackFor(final ThreadEntry thread) {
        return new LayerStack(layers.stream()
                .filter(layer -> layer.threads().matches(thread.name())
                        || chosen.getOrDefault(layer.digest(), Set.of()).contains(thread.tid()))
                .map(Layer::digest)
                .toList());
    }
}

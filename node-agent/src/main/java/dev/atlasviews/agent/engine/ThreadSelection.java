// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.views.ThreadEntry;
import java.util.ArrayList;
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

    /**
     * The stack of the layers that are meant for a thread, but for those that are based on others which it does not get: they
     * were built on the code of these.
     */
    LayerStack stackFor(final ThreadEntry thread) {
        final List<String> stack = new ArrayList<>();
        for (final Layer layer : meantFor(thread)) {
            if (stack.containsAll(layer.patch().basedOn())) {
                stack.add(layer.digest());
            }
        }
        return new LayerStack(stack);
    }

    /** Digests of the layers that are meant for a thread and are not in its stack, for what they are based on is not. */
    List<String> withheldFrom(final ThreadEntry thread) {
        final List<String> stack = stackFor(thread).digests();
        return meantFor(thread).stream()
                .map(Layer::digest)
                .filter(digest -> !stack.contains(digest))
                .toList();
    }

    /** Those whose filters choose the thread. One that was born since has no part in a share. */
    private List<Layer> meantFor(final ThreadEntry thread) {
        return layers.stream()
                .filter(layer -> layer.threads().matches(thread.name())
                        || chosen.getOrDefault(layer.digest(), Set.of()).contains(thread.tid()))
                .toList();
    }
}

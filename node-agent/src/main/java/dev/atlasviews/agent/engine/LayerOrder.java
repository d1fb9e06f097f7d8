// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How layers lie on one another. */
public final class LayerOrder {
    private LayerOrder() {}

    /** The same layers, each above those that it is based on, and otherwise in the order they have. */
    public static List<Layer> sorted(final List<Layer> layers) {
        final List<Layer> rest = new ArrayList<>(layers);
        final List<Layer> sorted = new ArrayList<>();
        while (!rest.isEmpty()) {
            final Optional<Layer> next = rest.stream()
                    .filter(layer -> rest.stream()
                            .noneMatch(other -> layer.patch().basedOn().contains(other.digest())))
                    .findFirst();
            // Patches that are based on each other can not be: they are left to be refused.
            final Layer lowest = next.orElseGet(rest::getFirst);
            rest.remove(lowest);
            sorted.add(lowest);
        }
        return List.copyOf(sorted);
    }

    /** A layer and those of the others that are based on it, directly or not. */
    public static Set<String> withBasedOn(final String digest, final List<Layer> layers) {
        final Set<String> digests = new HashSet<>(Set.of(digest));
        for (final Layer layer : sorted(layers)) {
            if (layer.patch().basedOn().stream().anyMatch(digests::contains)) {
                digests.add(layer.digest());
            }
        }
        return digests;
    }
}

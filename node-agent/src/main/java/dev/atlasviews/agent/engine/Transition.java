// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.views.AddressRange;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a thread must not be in when it goes from one view to another: every body, old or new, that differs between them.
 *
 * @param bodies name by range
 */
record Transition(Map<AddressRange, String> bodies) {

    /**
     * From one stack of layers to another. A layer that is in both matters only where it changes a function that a layer
     * in just one of them changes as well.
     */
    static Transition between(final List<LinkedLayer> from, final List<LinkedLayer> to) {
        final List<LinkedLayer> all =
                Stream.concat(from.stream(), to.stream()).distinct().toList();
        final Set<Long> entries = new HashSet<>();
        final Map<AddressRange, String> bodies = new TreeMap<>();
        for (final LinkedLayer layer : all) {
            if (contains(from, layer) != contains(to, layer)) {
                layer.bodies().stream()
                        .filter(body -> body.oldEnd() > body.oldStart())
                        .forEach(body -> entries.add(body.oldStart()));
            }
        }
        for (final LinkedLayer layer : all) {
            final boolean differs = contains(from, layer) != contains(to, layer);
            layer.bodiesOfAllCopies().stream()
                    .filter(body -> differs || entries.contains(body.oldStart()))
                    .filter(body -> !layer.mayBeActive(body))
                    .forEach(body -> add(bodies, body));
            if (differs) {
                layer.overwrittenUnderThreads()
                        .forEach(jump -> bodies.putIfAbsent(afterFirstByte(jump), jump.function()));
            }
        }
        return new Transition(bodies);
    }

    /** The same, and these ranges besides. */
    Transition and(final Map<AddressRange, String> others) {
        final Map<AddressRange, String> bodiesAndOthers = new TreeMap<>(bodies);
        bodiesAndOthers.putAll(others);
        return new Transition(bodiesAndOthers);
    }

    /** The addresses, in their order and apart from each other. */
    List<AddressRange> ranges() {
        final List<AddressRange> ranges = new ArrayList<>();
        for (final AddressRange range : bodies.keySet()) {
            if (ranges.isEmpty() || Long.compareUnsigned(ranges.getLast().end(), range.start()) < 0) {
                ranges.add(range);
            } else {
                final AddressRange last = ranges.removeLast();
                final boolean longer = Long.compareUnsigned(range.end(), last.end()) > 0;
                ranges.add(new AddressRange(last.start(), longer ? range.end() : last.end()));
            }
        }
        return List.copyOf(ranges);
    }

    /**
     * The same, as the closest of them joined to no more than so many: what lies between holds a thread too, which costs it
     * time and nothing else.
     */
    List<AddressRange> ranges(final int most) {
        final List<AddressRange> all = ranges();
        if (all.size() <= most) {
            return all;
        }
        final Set<Integer> joined = IntStream.range(1, all.size())
                .boxed()
                .sorted((one, other) -> Long.compareUnsigned(gapBefore(all, one), gapBefore(all, other)))
                .limit(all.size() - most)
                .collect(Collectors.toSet());
        final List<AddressRange> few = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            final long start =
                    joined.contains(i) ? few.removeLast().start() : all.get(i).start();
            few.add(new AddressRange(start, all.get(i).end()));
        }
        return List.copyOf(few);
    }

    private static long gapBefore(final List<AddressRange> ranges, final int index) {
        return ranges.get(index).start() - ranges.get(index - 1).end();
    }

    /** The function at this address. */
    Optional<String> function(final long address) {
        return bodies.entrySet().stream()
                .filter(entry -> entry.getKey().contains(address))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    private static boolean contains(final List<LinkedLayer> layers, final LinkedLayer layer) {
        return layers.stream().anyMatch(other -> other.digest().equals(layer.digest()));
    }

    /** An instruction of the old body that starts here is the middle of the jump in the other view. */
    private static AddressRange afterFirstByte(final LinkedPatch.Jump jump) {
        return new AddressRange(jump.address() + 1, jump.address() + jump.code().length);
    }

    private static void add(final Map<AddressRange, String> bodies, final LinkedPatch.Body body) {
        if (body.oldEnd() > body.oldStart()) {
            bodies.put(new AddressRange(body.oldStart(), body.oldEnd()), body.function());
        }
        if (body.newEnd() > body.newStart()) {
            bodies.put(new AddressRange(body.newStart(), body.newEnd()), body.function());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewEntry;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The views of a process and what each consists of. */
final class ViewSet {
    private static final int PAGE_SHIFT = 12;

    private final TargetProcess process;
    private final ProcessViews views;
    private final LayerStore store;
    private final Unwinders unwinders;
    private final Map<Integer, LayerStack> stacks = new HashMap<>();
    /** What views were built of whose code is not known any more. */
    private final Map<Integer, LayerStack> forgotten = new HashMap<>();
    /** How much each view holds of what it should, of those that were asked for. */
    private final Map<Integer, Content> contents = new HashMap<>();

    private final Map<String, LinkedLayer> linked = new HashMap<>();
    /** Of all views, also of those that are deleted as soon as their last thread leaves. */
    private final Set<String> held = new LinkedHashSet<>();
    /** Those that the process made itself: they are none of ours. */
    private final Set<Integer> own = new HashSet<>();

    private boolean allKnown = true;

    /** What a view holds of the jumps that its stack needs in the process as it is mapped now. */
    private enum Content {
        /** All of them. */
        CURRENT,
        /** Those of all layers, but an unwinder that was loaded later does not know the new code. */
        WITHOUT_UNWINDER,
        /** Nobody knows which: a library was loaded later, or unloaded and loaded again. */
        IN_PART
    }

    /**
     * Reads what is there and removes what an interrupted attempt left behind: a view without a tag is not complete, and
     * no thread was ever moved to it.
     */
    ViewSet(final TargetProcess process, final ProcessViews views, final LayerStore store, final Unwinders unwinders)
            throws IOException {
        this.process = process;
        this.views = views;
        this.store = store;
        this.unwinders = unwinders;
        stacks.put(ViewEntry.BASE, LayerStack.BASE);
        for (final ViewEntry view : views.listViews()) {
            if (view.self()) {
                own.add(view.view());
            } else if (view.view() != ViewEntry.BASE && view.tag().isPresent()) {
                final Optional<LayerStack> stack = store.stack(view.tag().get());
                stack.ifPresent(known -> held.addAll(known.digests()));
                allKnown &= stack.isPresent();
                if (!view.deleted()) {
                    stack.ifPresent(known -> stacks.put(view.view(), known));
                }
            } else if (view.view() != ViewEntry.BASE && !view.deleted()) {
                views.deleteView(view.view());
            }
        }
    }

    /** Layers that threads may have, in no order. */
    Set<String> held() {
        return Set.copyOf(held);
    }

    /** Whether the process made a view itself; its threads in there stay where they are. */
    boolean isOwn(final int view) {
        return own.contains(view);
    }

    /** Whether the process makes views itself. */
    boolean hasOwn() {
        return !own.isEmpty();
    }

    /** Whether those are all: of each view it is known what it consists of. */
    boolean allKnown() {
        return allKnown;
    }

    /** Whether the areas of a layer are known. */
    boolean knows(final String digest) {
        return linked.containsKey(digest);
    }

    /** Layers of the views that are there, lowest first. */
    List<String> digests() {
        return stacks.values().stream()
                .sorted((one, other) ->
                        Integer.compare(other.digests().size(), one.digests().size()))
                .flatMap(stack -> stack.digests().stream())
                .distinct()
                .toList();
    }

    /** What a view consists of; null if that is not known. */
    @Nullable
    LayerStack stack(final int view) {
        return stacks.get(view);
    }

    /** Remembers a layer whose areas are in the process. */
    void know(final LinkedLayer layer) {
        linked.put(layer.digest(), layer);
    }

    /**
     * Forgets what the views with a layer consist of: its code there is not known. Threads leave them as they leave any view
     * that is not known, for others that are built anew.
     */
    void forget(final String digest) {
        stacks.forEach((view, stack) -> {
            if (stack.digests().contains(digest)) {
                forgotten.put(view, stack);
            }
        });
        stacks.keySet().removeAll(forgotten.keySet());
    }

    /**
     * Whether it can be told what a thread must not be in when it comes to a view from another one: whatever else has become
     * of its layers, it is known what they replace.
     */
    boolean mayBeEntered(final int view) {
        final LayerStack known = stacks.get(view);
        final LayerStack stack = known != null ? known : forgotten.get(view);
        return stack != null && isLinked(stack);
    }

    /** The variables of these of the layers that are known. */
    List<LinkedPatch.Variable> variables(final Set<String> digests) {
        return linked.values().stream()
                .filter(layer -> digests.contains(layer.digest()))
                .flatMap(layer -> layer.parts().stream())
                .flatMap(part -> part.variables().stream())
                .toList();
    }

    /** Reads of the process what the known layers need, so that it is not read while threads move. */
    void prepare() throws IOException {
        unwinders.prepare(List.copyOf(linked.values()));
        for (final Map.Entry<Integer, LayerStack> view : stacks.entrySet()) {
            if (isLinked(view.getValue())) {
                content(view.getKey(), view.getValue());
            }
        }
    }

    /** The view with this stack, if there is one; of several the newest. */
    OptionalInt find(final LayerStack stack) {
        return stacks.entrySet().stream()
                .filter(entry -> entry.getValue().equals(stack))
                .mapToInt(Map.Entry::getKey)
                .max();
    }

    /**
     * The view with this stack, built if there is none, or only one that is older than a library of the process in which it
     * needs a jump. Its layers are known.
     *
     * @throws RefusedException if a view can not be built of it; then there is none
     */
    int provide(final LayerStack stack) throws IOException, RefusedException {
        final OptionalInt current = current(stack);
        if (current.isPresent()) {
            return current.getAsInt();
        }
        final List<LinkedPatch.Jump> jumps = new ArrayList<>();
        for (final LinkedLayer layer : layers(stack)) {
            StackRules.checkLiveCode(process, layer);
            jumps.addAll(layer.jumps());
        }
        jumps.addAll(unwinders.divert(stack, layers(stack), isPartOfAnother(stack)));
        store.putStack(stack);
        final int view = views.createView(ViewEntry.BASE);
        try {
            for (final LinkedPatch.Jump jump : jumps) {
                views.write(view, jump.address(), jump.code());
            }
            // A library may have been loaded in the place of another one since; what is unmapped from now on takes the
            // view's own pages with it.
            for (final LinkedLayer layer : layers(stack)) {
                StackRules.checkLiveCode(process, layer);
            }
            views.tag(view, stack.tag());
        } catch (final IOException | RefusedException e) {
            delete(view);
            throw e;
        }
        stacks.put(view, stack);
        contents.put(view, Content.CURRENT);
        return view;
    }

    /** Whether a view lacks jumps that its stack needs: threads with that stack belong into a newer one. */
    boolean isOutdated(final int view) throws IOException {
        final LayerStack stack = stacks.get(view);
        return stack != null && !current(stack).equals(OptionalInt.of(view));
    }

    /** The view with this stack that has all its jumps, if there is one. */
    private OptionalInt current(final LayerStack stack) throws IOException {
        final OptionalInt newest = find(stack);
        return newest.isPresent() && content(newest.getAsInt(), stack) == Content.CURRENT
                ? newest
                : OptionalInt.empty();
    }

    /** Whether it is what stays of the stack of a view when layers are taken back. */
    private boolean isPartOfAnother(final LayerStack stack) {
        return stacks.values().stream()
                .anyMatch(other -> !other.equals(stack) && other.digests().containsAll(stack.digests()));
    }

    /** Asked for each thread at each look, and answered once. */
    private Content content(final int view, final LayerStack stack) throws IOException {
        final Content known = contents.get(view);
        if (known != null) {
            return known;
        }
        final Content found = look(view, stack);
        contents.put(view, found);
        return found;
    }

    /**
     * A view had all its jumps when it got its tag. Its own page goes when the memory there is unmapped, so whether the others
     * are there shows in their number, also where a library was loaded again at the same address. Pages that the process
     * itself has unshared count too: then a view may be taken for current that is not.
     */
    private Content look(final int view, final LayerStack stack) throws IOException {
        final List<LinkedLayer> layers = layers(stack);
        final List<Optional<LinkedPatch.Jump>> diverted = unwinders.diverted(stack, layers);
        final Set<Long> needed = new HashSet<>();
        Stream.concat(
                        layers.stream().flatMap(layer -> layer.jumps().stream()),
                        diverted.stream().flatMap(Optional::stream))
                .forEach(jump -> {
                    needed.add(jump.address() >>> PAGE_SHIFT);
                    needed.add((jump.address() + jump.code().length - 1) >>> PAGE_SHIFT);
                });
        final int held = views.listViews().stream()
                .filter(entry -> entry.view() == view)
                .mapToInt(ViewEntry::pages)
                .sum();
        if (held < needed.size()) {
            return Content.IN_PART;
        }
        return diverted.stream().allMatch(Optional::isPresent) ? Content.CURRENT : Content.WITHOUT_UNWINDER;
    }

    /**
     * What differs between two views. Of a view that is not known every patch code may be part, and what any layer replaces may
     * be replaced.
     *
     * @param to one that {@link #mayBeEntered}, where a thread is to come to it from code of another view
     */
    Transition transition(final int from, final int to) throws IOException {
        final LayerStack before = stacks.get(from);
        final LayerStack after = stacks.get(to);
        final Transition transition = Transition.between(layers(before), layers(after))
                .and(unwinders.overwritten(layers(before)))
                .and(unwinders.overwritten(layers(after)));
        if (after == null || !isLinked(after)) {
            final List<LinkedLayer> any = List.copyOf(linked.values());
            return transition
                    .and(allPatchCode())
                    .and(Transition.between(List.of(), any).bodies())
                    .and(unwinders.overwritten(any));
        }
        if (before == null || !isLinked(before)) {
            return transition.and(allPatchCode());
        }
        return content(from, before) == Content.IN_PART
                        || content(to, after) == Content.IN_PART
                        || hasCopies(before)
                        || hasCopies(after)
                ? transition.and(allBodies(before)).and(allBodies(after))
                : transition;
    }

    /** Whether of two views with one layer each may have a copy of its own. */
    private boolean hasCopies(final LayerStack stack) {
        return layers(stack).stream().anyMatch(layer -> !layer.copies().isEmpty());
    }

    /** What any part of a stack differs in from any other part. */
    private Map<AddressRange, String> allBodies(final LayerStack stack) {
        return Transition.between(List.of(), layers(stack)).bodies();
    }

    /** Deletes the views that none of these is; those that still have threads stay until the last one leaves. */
    void deleteAllBut(final java.util.Collection<Integer> needed) throws ViewException {
        for (final ViewEntry view : views.listViews()) {
            if (view.view() != ViewEntry.BASE && !view.self() && !view.deleted() && !needed.contains(view.view())) {
                delete(view.view());
                stacks.remove(view.view());
            }
        }
    }

    private void delete(final int view) throws ViewException {
        try {
            views.deleteView(view);
        } catch (final ViewException e) {
            if (e.errno() != dev.atlasviews.agent.views.Errno.ENOENT) {
                throw e;
            }
        }
    }

    private boolean isLinked(final LayerStack stack) {
        return stack.digests().stream().allMatch(linked::containsKey);
    }

    private List<LinkedLayer> layers(final @Nullable LayerStack stack) {
        final List<LinkedLayer> layers = new ArrayList<>();
        if (stack != null) {
            for (final String digest : stack.digests()) {
                final LinkedLayer layer = linked.get(digest);
                if (layer != null) {
                    layers.add(layer);
                }
            }
        }
        return layers;
    }

    private Map<AddressRange, String> allPatchCode() throws IOException {
        final Map<AddressRange, String> ranges = new TreeMap<>();
        final Function<Mapping, AddressRange> range = mapping -> new AddressRange(mapping.start(), mapping.end());
        Areas.text(process.mappings()).forEach(mapping -> ranges.put(range.apply(mapping), "a function of a patch"));
        return ranges;
    }
}

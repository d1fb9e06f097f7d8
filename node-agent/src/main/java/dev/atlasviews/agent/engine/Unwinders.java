// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.UnwindRoutine;
import dev.atlasviews.agent.process.ImageSymbols;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.AreaKind;
import dev.atlasviews.agent.views.ProcessViews;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The process' unwinders, each of which learns in a patched view where the new functions' descriptions lie
 * ({@link UnwindRoutine}).
 *
 * <p>One routine serves a whole stack of layers, so that layers need not know of each other. It stays mapped as areas do,
 * and the same stack finds it again: a thread may be in it when it moves, and goes on rightly in any view.
 */
final class Unwinders {
    private static final String FINDER = "_Unwind_Find_FDE";
    /** By this one tells libgcc's unwinder from others, which have a function of the first name but do not use it. */
    private static final String LIBGCC = "__gcc_personality_v0";
    /** What an unwinder asks the dynamic loader with; one without a name of its own is linked into what imports this. */
    private static final String FIND_OBJECT = "_dl_find_object";

    private final TargetProcess process;
    private final ProcessViews views;
    private final AreaRoom room;
    private final Map<MappedImage, Long> finders = new LinkedHashMap<>();
    private final List<String> foreign = new ArrayList<>();
    private boolean known;

    Unwinders(final TargetProcess process, final ProcessViews views) {
        this.process = process;
        this.views = views;
        this.room = new AreaRoom(process);
    }

    /** Finds the process' unwinders, if one of these layers needs them. */
    void prepare(final List<LinkedLayer> layers) throws IOException {
        if (described(layers)) {
            read();
        }
    }

    /**
     * The jumps that a view with these layers needs in the unwinders; none where no exception meets new code.
     *
     * @param back whether threads come to the view as layers are taken back, which nothing that a process may have bars
     */
    List<LinkedPatch.Jump> divert(final LayerStack stack, final List<LinkedLayer> layers, final boolean back)
            throws IOException, RefusedException {
        final List<LinkedPatch.Body> bodies = bodies(layers);
        final List<LinkedPatch.Jump> jumps = new ArrayList<>();
        if (UnwindRoutine.described(bodies).isEmpty()) {
            return jumps;
        }
        read();
        if (!foreign.isEmpty()) {
            throw refused(stack, foreign.getFirst() + " has an unwinder of its own, which can not learn of new code");
        }
        for (final Map.Entry<MappedImage, Long> finder : finders.entrySet()) {
            jumps.add(divert(stack, finder.getKey(), finder.getValue(), bodies, back));
        }
        if (jumps.isEmpty()) {
            throw refused(stack, "exceptions may meet the new code, and libgcc_s is not loaded");
        }
        return jumps;
    }

    /** Where a thread must not be when it goes to or from a view with these layers: the bytes that the jumps change. */
    Map<AddressRange, String> overwritten(final List<LinkedLayer> layers) throws IOException {
        final Map<AddressRange, String> ranges = new HashMap<>();
        if (described(layers)) {
            read();
            finders.values()
                    .forEach(finder ->
                            ranges.put(new AddressRange(finder + 1, finder + UnwindRoutine.JUMP_END), FINDER));
        }
        return ranges;
    }

    private static List<LinkedPatch.Body> bodies(final List<LinkedLayer> layers) {
        return layers.stream().flatMap(layer -> layer.bodies().stream()).toList();
    }

    private static boolean described(final List<LinkedLayer> layers) {
        return !UnwindRoutine.described(bodies(layers)).isEmpty();
    }

    private void read() throws IOException {
        if (known) {
            return;
        }
        for (final MappedImage image : MappedImage.of(process)) {
            final ImageSymbols symbols = ImageSymbols.read(process, image);
            final OptionalLong finder = symbols.definition(FINDER);
            if (finder.isPresent() && symbols.definition(LIBGCC).isPresent()) {
                finders.put(image, finder.getAsLong());
            } else if (finder.isPresent() || symbols.imports(FIND_OBJECT)) {
                foreign.add(image.first().name());
            }
        }
        known = true;
    }

    /**
     * For each of the unwinders that there are now the jump that a view with these layers has if it was built before: their
     * routines are mapped when it is built. One that was loaded since, and has none, can not be diverted in that view: threads
     * may be in it. In a new view it is, and they move there as to any other.
     */
    List<Optional<LinkedPatch.Jump>> diverted(final LayerStack stack, final List<LinkedLayer> layers)
            throws IOException {
        final List<Optional<LinkedPatch.Jump>> jumps = new ArrayList<>();
        if (described(layers)) {
            read();
            for (final Map.Entry<MappedImage, Long> finder : finders.entrySet()) {
                jumps.add(diverted(stack, finder.getKey(), finder.getValue(), bodies(layers)));
            }
        }
        return jumps;
    }

    private Optional<LinkedPatch.Jump> diverted(
            final LayerStack stack, final MappedImage image, final long finder, final List<LinkedPatch.Body> bodies)
            throws IOException {
        try {
            return find(stack, image, routine(finder), bodies);
        } catch (final PatchLinkException e) {
            return Optional.empty();
        }
    }

    private UnwindRoutine routine(final long finder) throws IOException, PatchLinkException {
        return new UnwindRoutine(finder, process.read(finder, UnwindRoutine.FINDER_BYTES));
    }

    private LinkedPatch.Jump divert(
            final LayerStack stack,
            final MappedImage image,
            final long finder,
            final List<LinkedPatch.Body> bodies,
            final boolean back)
            throws IOException, RefusedException {
        try {
            final UnwindRoutine routine = routine(finder);
            final Optional<LinkedPatch.Jump> present = find(stack, image, routine, bodies);
            if (present.isPresent()) {
                return present.get();
            }
            if (!back) {
                room.checkRetained(stack.digests().reversed());
            }
            return map(stack, image, routine, bodies);
        } catch (final PatchLinkException e) {
            throw refused(stack, String.valueOf(e.getMessage()));
        }
    }

    /** The jump to a routine that is there from before. */
    private Optional<LinkedPatch.Jump> find(
            final LayerStack stack,
            final MappedImage image,
            final UnwindRoutine routine,
            final List<LinkedPatch.Body> bodies)
            throws IOException {
        for (final Mapping mapping : Areas.named(process.mappings(), Areas.unwindName(stack, image))) {
            try {
                final byte[] content = routine.link(mapping.start(), bodies);
                if (Arrays.equals(process.read(mapping.start(), content.length), content)) {
                    return Optional.of(routine.jump(mapping.start()));
                }
            } catch (final PatchLinkException e) {
                // It is too far away: the routine of a second copy of the library, whose area has the same name.
            }
        }
        return Optional.empty();
    }

    private LinkedPatch.Jump map(
            final LayerStack stack,
            final MappedImage image,
            final UnwindRoutine routine,
            final List<LinkedPatch.Body> bodies)
            throws IOException, RefusedException {
        final AreaSizes sizes = new AreaSizes(UnwindRoutine.size(bodies), 0, 0);
        return room.fill(stack.digests().reversed(), image, true, sizes, area -> {
            try {
                final byte[] content = routine.link(area.text(), bodies);
                views.mapArea(
                        AreaKind.TEXT,
                        area.text(),
                        Areas.aligned(sizes.text()),
                        content,
                        Areas.unwindName(stack, image));
                return routine.jump(area.text());
            } catch (final PatchLinkException e) {
                throw refused(stack, String.valueOf(e.getMessage()));
            }
        });
    }

    private static RefusedException refused(final LayerStack stack, final String message) {
        return new RefusedException(Reason.UNSUPPORTED_TARGET, stack.digests().reversed(), message);
    }
}

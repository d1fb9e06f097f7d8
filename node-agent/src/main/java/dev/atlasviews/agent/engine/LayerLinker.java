// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.PatchLinker;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.AmbiguousSymbolException;
import dev.atlasviews.agent.process.DynamicSymbols;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Brings layers into a process: finds the areas that are there from before, else maps them. Areas are mapped with their
 * final content and never change, so what is there is complete, and the same layer never takes room twice. Nothing unmaps
 * an area, so where the memory for all areas of a layer was not to be had, the next attempt goes on with those that it finds.
 */
final class LayerLinker {
    private static final int MAX_PATCHES = 64;
    /** The text last: it refers to the others, and its presence says that they are there. */
    private static final List<AreaKind> ORDER = List.of(AreaKind.DATA, AreaKind.CONSTANTS, AreaKind.TEXT);

    private final TargetProcess process;
    private final ProcessViews views;
    private final AreaRoom room;
    private final List<MappedImage> images;
    private final DynamicSymbols symbols;
    private final PresentParts present;

    LayerLinker(final TargetProcess process, final ProcessViews views) throws IOException {
        this.process = process;
        this.views = views;
        this.room = new AreaRoom(process);
        this.images = MappedImage.of(process);
        this.symbols = new DynamicSymbols(process, images);
        this.present = new PresentParts(process);
    }

    /** Whether the process runs a program that the layer changes. */
    boolean concerns(final Layer layer) {
        return concerns(images, layer);
    }

    /** Whether one of these programs is one that the layer changes. */
    static boolean concerns(final List<MappedImage> images, final Layer layer) {
        return layer.patch().targets().stream()
                .anyMatch(target -> image(images, target).isPresent());
    }

    /**
     * A program of the process that a layer changes.
     *
     * @param image the one that areas are mapped for, if there are none
     */
    private record Place(PatchTarget target, MappedImage image, PresentParts.Present present) {}

    /** What the process has of a layer. */
    record Look(Layer layer, List<Place> places) {
        /** Whether that, going by the names of areas, is what it would be. */
        boolean isRecognized() {
            return places.stream().noneMatch(place -> place.present().isUnknown());
        }
    }

    /** Looks for a layer in the process. */
    Look look(final Layer layer) throws IOException {
        final List<Place> places = new ArrayList<>();
        for (final PatchTarget target : layer.patch().targets()) {
            final List<MappedImage> candidates = images(images, target).toList();
            if (!candidates.isEmpty()) {
                places.add(new Place(target, candidates.getFirst(), present.find(layer.digest(), target, candidates)));
            }
        }
        return new Look(layer, places);
    }

    /** What makes a part of a layer of which the process has none that could be used. */
    private interface Making {
        LinkedPatch make(String digest, PatchTarget target, MappedImage image, Map<Long, Long> kept)
                throws IOException, RefusedException;
    }

    /**
     * Links a layer that no thread has; its areas are in the process afterwards. What can be refused is refused before the
     * first of them is mapped, as nothing unmaps them.
     *
     * @param there variables of the layers whose place this one may take
     */
    LinkedLayer link(final Layer layer, final List<LinkedPatch.Variable> there) throws IOException, RefusedException {
        final List<Place> places = look(layer).places();
        final LinkedLayer planned = link(layer, places, there, this::plan);
        StackRules.checkExclusions(planned);
        StackRules.checkLiveCode(process, planned);
        return link(layer, places, there, this::map);
    }

    private LinkedLayer link(
            final Layer layer, final List<Place> places, final List<LinkedPatch.Variable> there, final Making making)
            throws IOException, RefusedException {
        final List<LinkedPatch> parts = new ArrayList<>();
        for (final Place place : places) {
            final PatchTarget target = place.target();
            final Map<Long, Long> kept = KeptVariables.of(layer.digest(), target, there);
            final Optional<LinkedPatch> found = linkable(target, place.present().parts());
            if (found.isPresent()) {
                KeptVariables.check(layer.digest(), found.get(), kept);
                parts.add(found.get());
            } else {
                KeptVariables.checkTold(layer.digest(), target, kept);
                parts.add(making.make(layer.digest(), target, place.image(), kept));
            }
        }
        return new LinkedLayer(layer.digest(), parts, layer.excluded());
    }

    /** Links a layer that threads have: mapped is just what it has no areas of, as for a library that came later. */
    LinkedLayer linkAgain(final Look look) throws IOException, RefusedException {
        final Layer layer = look.layer();
        final List<LinkedPatch> parts = new ArrayList<>();
        final List<LinkedPatch> copies = new ArrayList<>();
        for (final Place place : look.places()) {
            final List<LinkedPatch> found = inPlace(place);
            parts.add(
                    found.isEmpty() ? map(layer.digest(), place.target(), place.image(), Map.of()) : found.getFirst());
            addCopies(place, found, copies);
        }
        return new LinkedLayer(layer.digest(), parts, copies, layer.excluded());
    }

    /**
     * Links a layer that was applied before, as far as it was mapped then; empty if its areas are not in the process, or not
     * recognised, so that it is no layer that could be told from others.
     */
    Optional<LinkedLayer> relink(final Layer layer) throws IOException {
        final Look look = look(layer);
        final List<LinkedPatch> parts = new ArrayList<>();
        final List<LinkedPatch> copies = new ArrayList<>();
        for (final Place place : look.places()) {
            final List<LinkedPatch> found = inPlace(place);
            found.stream().findFirst().ifPresent(parts::add);
            addCopies(place, found, copies);
        }
        final boolean isAbsent = parts.isEmpty() && !look.places().isEmpty();
        return isAbsent || !look.isRecognized()
                ? Optional.empty()
                : Optional.of(new LinkedLayer(layer.digest(), parts, copies, layer.excluded()));
    }

    private static void addCopies(final Place place, final List<LinkedPatch> found, final List<LinkedPatch> copies) {
        found.stream().skip(1).forEach(copies::add);
        copies.addAll(place.present().others());
    }

    private static Optional<MappedImage> image(final List<MappedImage> images, final PatchTarget target) {
        return images(images, target).findFirst();
    }

    private static Stream<MappedImage> images(final List<MappedImage> images, final PatchTarget target) {
        return images.stream()
                .filter(image ->
                        image.buildId().filter(target.buildId()::equals).isPresent());
    }

    /** What threads have of a layer: first of several copies is the one that would be linked today. */
    private List<LinkedPatch> inPlace(final Place place) {
        final List<PresentParts.Part> found = place.present().parts();
        final List<LinkedPatch> sorted = new ArrayList<>();
        for (final PresentParts.Part part : found) {
            final boolean first = found.size() > 1
                    && linkedToday(place.target(), part).filter(part::isLike).isPresent();
            sorted.add(first ? 0 : sorted.size(), part.linked());
        }
        return sorted;
    }

    /**
     * What a layer that comes may use: where its symbols are others now, it is linked anew. Where they can not be told, those
     * of before count.
     */
    private Optional<LinkedPatch> linkable(final PatchTarget target, final List<PresentParts.Part> found) {
        for (final PresentParts.Part part : found) {
            final Optional<LinkedPatch> today = linkedToday(target, part);
            if (today.isEmpty() || part.isLike(today.get())) {
                return Optional.of(part.linked());
            }
        }
        return Optional.empty();
    }

    private Optional<LinkedPatch> linkedToday(final PatchTarget target, final PresentParts.Part part) {
        try {
            return Optional.of(PatchLinker.link(
                    target,
                    part.image().loadBias(),
                    part.areas(),
                    PresentParts.variables(target, part.linked().constants()),
                    symbol -> resolve(part.image(), symbol)));
        } catch (final PatchLinkException e) {
            return Optional.empty();
        }
    }

    /** What would be mapped. */
    private LinkedPatch plan(
            final String digest, final PatchTarget target, final MappedImage image, final Map<Long, Long> kept)
            throws IOException, RefusedException {
        final AreaAddresses areas = room.choose(List.of(digest), image, target.positionIndependent(), target.sizes());
        return link(digest, target, image, areas, kept);
    }

    private LinkedPatch map(
            final String digest, final PatchTarget target, final MappedImage image, final Map<Long, Long> kept)
            throws IOException, RefusedException {
        final Set<String> others = new HashSet<>(Areas.digests(process.mappings()));
        others.remove(Areas.shortened(digest));
        if (others.size() >= MAX_PATCHES) {
            throw new RefusedException(
                    Reason.TOO_MANY_PATCHES,
                    List.of(digest),
                    "process %d has as many patches as it may have: %d".formatted(process.pid(), others.size()));
        }
        room.checkRetained(List.of(digest));
        for (final AreaAddresses areas : Areas.begun(process.mappings(), digest, target.buildId(), target.sizes())) {
            final Optional<LinkedPatch> finished = finish(digest, target, image, areas, kept);
            if (finished.isPresent()) {
                return finished.get();
            }
        }
        return room.fill(List.of(digest), image, target.positionIndependent(), target.sizes(), areas -> {
            final LinkedPatch linked = link(digest, target, image, areas, kept);
            for (final AreaKind kind : ORDER) {
                map(kind, areas, content(linked, kind), digest, target);
            }
            return linked;
        });
    }

    /** Maps the areas that are missing among these; empty if those that are there are not what they would be. */
    private Optional<LinkedPatch> finish(
            final String digest,
            final PatchTarget target,
            final MappedImage image,
            final AreaAddresses areas,
            final Map<Long, Long> kept)
            throws IOException {
        try {
            final LinkedPatch linked =
                    PatchLinker.link(target, image.loadBias(), areas, kept, symbol -> resolve(image, symbol));
            final List<Mapping> mappings = process.mappings();
            final List<AreaKind> missing = new ArrayList<>(ORDER);
            for (final AreaKind kind : ORDER) {
                if (Areas.isMapped(mappings, areas, kind, digest, target.buildId())) {
                    final byte[] content = content(linked, kind);
                    if (!Arrays.equals(process.read(areas.of(kind), content.length), content)) {
                        return Optional.empty();
                    }
                    missing.remove(kind);
                }
            }
            for (final AreaKind kind : missing) {
                map(kind, areas, content(linked, kind), digest, target);
            }
            return Optional.of(linked);
        } catch (final PatchLinkException e) {
            // They are of another copy of the image, and too far away.
            return Optional.empty();
        } catch (final ViewException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
            // The process mapped something there meanwhile.
            return Optional.empty();
        }
    }

    private static byte[] content(final LinkedPatch linked, final AreaKind kind) {
        return switch (kind) {
            case TEXT -> linked.text();
            case CONSTANTS -> linked.constants();
            case DATA -> linked.data();
        };
    }

    private void map(
            final AreaKind kind,
            final AreaAddresses areas,
            final byte[] content,
            final String digest,
            final PatchTarget target)
            throws ViewException {
        final AreaSizes sizes = target.sizes();
        if (sizes.of(kind) > 0) {
            views.mapArea(
                    dev.atlasviews.agent.views.AreaKind.valueOf(kind.name()),
                    areas.of(kind),
                    Areas.aligned(sizes.of(kind)),
                    content,
                    Areas.name(kind, digest, target.buildId()));
        }
    }

    private LinkedPatch link(
            final String digest,
            final PatchTarget target,
            final MappedImage image,
            final AreaAddresses areas,
            final Map<Long, Long> kept)
            throws RefusedException {
        try {
            return PatchLinker.link(target, image.loadBias(), areas, kept, symbol -> resolve(image, symbol));
        } catch (final PatchLinkException e) {
            throw new RefusedException(Reason.SYMBOL_NOT_FOUND, List.of(digest), String.valueOf(e.getMessage()));
        }
    }

    private OptionalLong resolve(final MappedImage image, final String symbol) throws PatchLinkException {
        try {
            return symbols.resolve(image, symbol);
        } catch (final AmbiguousSymbolException e) {
            throw new PatchLinkException(String.valueOf(e.getMessage()));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.engine.RefusedException.Reason;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.LinkedVariables;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.PatchLinker;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.AmbiguousSymbolException;
import dev.atlasviews.agent.process.DynamicSymbols;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Brings layers into a process: finds the areas that are there from before, else maps them. Areas are mapped with their
 * final content and never change, so what is there is complete, and the same layer never takes room twice.
 */
final class LayerLinker {
    private static final int MAX_PATCHES = 64;

    private final TargetProcess process;
    private final ProcessViews views;
    private final AreaRoom room;
    private final List<MappedImage> images;
    private final DynamicSymbols symbols;

    LayerLinker(final TargetProcess process, final ProcessViews views) throws IOException {
        this.process = process;
        this.views = views;
        this.room = new AreaRoom(process);
        this.images = MappedImage.of(process);
        this.symbols = new DynamicSymbols(process, images);
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
     * Links a layer; its areas are in the process afterwards.
     *
     * @param there variables of the layers whose place this one may take; none if it has its own place already
     */
    LinkedLayer link(final Layer layer, final List<LinkedPatch.Variable> there) throws IOException, RefusedException {
        final List<LinkedPatch> parts = new ArrayList<>();
        for (final PatchTarget target : layer.patch().targets()) {
            final Optional<MappedImage> image = image(target);
            if (image.isPresent()) {
                final Map<Long, Long> kept = KeptVariables.of(layer.digest(), target, there);
                final Optional<LinkedPatch> present = find(layer.digest(), target, image.get());
                if (present.isPresent()) {
                    KeptVariables.check(layer.digest(), present.get(), kept);
                }
                parts.add(present.isPresent() ? present.get() : map(layer.digest(), target, image.get(), kept));
            }
        }
        return new LinkedLayer(layer.digest(), parts, layer.excluded());
    }

    /**
     * Links a layer that was applied before; empty if its areas are not in the process, or what its code refers to is gone, so
     * that it is no layer that could be told from others.
     */
    Optional<LinkedLayer> relink(final Layer layer) throws IOException {
        final List<LinkedPatch> parts = new ArrayList<>();
        for (final PatchTarget target : layer.patch().targets()) {
            final Optional<MappedImage> image = image(target);
            if (image.isPresent()) {
                final Optional<LinkedPatch> present = find(layer.digest(), target, image.get());
                if (present.isEmpty()) {
                    return Optional.empty();
                }
                parts.add(present.get());
            }
        }
        return Optional.of(new LinkedLayer(layer.digest(), parts, layer.excluded()));
    }

    private Optional<MappedImage> image(final PatchTarget target) {
        return image(images, target);
    }

    private static Optional<MappedImage> image(final List<MappedImage> images, final PatchTarget target) {
        return images.stream()
                .filter(image ->
                        image.buildId().filter(target.buildId()::equals).isPresent())
                .findFirst();
    }

    private Optional<LinkedPatch> find(final String digest, final PatchTarget target, final MappedImage image)
            throws IOException {
        for (final AreaAddresses areas : Areas.find(process.mappings(), digest, target.buildId(), target.sizes())) {
            try {
                final LinkedPatch linked = PatchLinker.link(
                        target, image.loadBias(), areas, variables(target, areas), symbol -> resolve(image, symbol));
                // A library that was loaded again, elsewhere, has the same name and other addresses.
                if (holds(areas.text(), linked.text()) && holds(areas.constants(), linked.constants())) {
                    return Optional.of(linked);
                }
            } catch (final PatchLinkException e) {
                // From where the library is now these areas are out of reach, or a symbol is gone.
            }
        }
        return Optional.empty();
    }

    /** Where a patch that was mapped before has its variables. */
    private Map<Long, Long> variables(final PatchTarget target, final AreaAddresses areas) throws IOException {
        return target.refersToVariables()
                ? LinkedVariables.addresses(
                        target,
                        process.read(areas.constants(), target.constants().content().length))
                : Map.of();
    }

    private LinkedPatch map(
            final String digest, final PatchTarget target, final MappedImage image, final Map<Long, Long> kept)
            throws IOException, RefusedException {
        final int patches = Areas.digests(process.mappings()).size();
        if (patches >= MAX_PATCHES) {
            throw new RefusedException(
                    Reason.TOO_MANY_PATCHES,
                    List.of(digest),
                    "process %d has as many patches as it may have: %d".formatted(process.pid(), patches));
        }
        room.checkRetained(List.of(digest));
        return room.fill(List.of(digest), image, target.positionIndependent(), target.sizes(), areas -> {
            final LinkedPatch linked = link(digest, target, image, areas, kept);
            // The text last: it refers to the others, and its presence says that they are there.
            map(AreaKind.DATA, areas, linked.data(), digest, target);
            map(AreaKind.CONSTANTS, areas, linked.constants(), digest, target);
            map(AreaKind.TEXT, areas, linked.text(), digest, target);
            return linked;
        });
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

    private boolean holds(final long address, final byte[] content) throws IOException {
        return content.length == 0 || Arrays.equals(process.read(address, content.length), content);
    }
}

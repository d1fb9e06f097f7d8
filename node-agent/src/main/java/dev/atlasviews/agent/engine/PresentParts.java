// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.LinkedSymbols;
import dev.atlasviews.agent.patch.LinkedVariables;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.PatchLinker;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Recognises, in the areas of a process, what was linked before. It goes by the process' memory alone: what a symbol of
 * another library would be today is not asked, for a patch in place stays what it is.
 */
final class PresentParts {
    private static final byte[] NONE = {};

    private final TargetProcess process;

    /**
     * One of them.
     *
     * @param image that it was linked for
     * @param areas where it is
     */
    record Part(MappedImage image, AreaAddresses areas, LinkedPatch linked) {
        /** Whether another one has the same code and constants. */
        boolean isLike(final LinkedPatch other) {
            return Arrays.equals(linked.text(), other.text()) && Arrays.equals(linked.constants(), other.constants());
        }
    }

    PresentParts(final TargetProcess process) {
        this.process = process;
    }

    /**
     * What the areas of a part have in them.
     *
     * @param parts those that are recognised, all for one image
     * @param others the rest: threads may be anywhere in its code
     */
    record Present(List<Part> parts, List<LinkedPatch> others) {
        Present {
            parts = List.copyOf(parts);
            others = List.copyOf(others);
        }

        /** Whether there is something, of which nothing is recognised. */
        boolean isUnknown() {
            return parts.isEmpty() && !others.isEmpty();
        }
    }

    /** What is there of a part of a patch, as often as it is. Of several images it may be for any. */
    Present find(final String digest, final PatchTarget target, final List<MappedImage> images) throws IOException {
        final List<Mapping> mappings = process.mappings();
        final List<AreaAddresses> all = Areas.find(mappings, digest, target.buildId(), target.sizes());
        final List<Part> parts = new ArrayList<>();
        for (int i = 0; i < images.size() && parts.isEmpty(); i++) {
            for (final AreaAddresses areas : all) {
                recognize(target, images.get(i), areas, mappings).ifPresent(parts::add);
            }
        }
        final List<AreaAddresses> recognized = parts.stream().map(Part::areas).toList();
        return new Present(
                parts,
                all.stream()
                        .filter(areas -> !recognized.contains(areas))
                        .map(areas -> code(
                                areas.text(),
                                areas.text() + Areas.aligned(target.sizes().text())))
                        .toList());
    }

    private Optional<Part> recognize(
            final PatchTarget target, final MappedImage image, final AreaAddresses areas, final List<Mapping> mappings)
            throws IOException {
        final byte[] text = read(areas.text(), target.text());
        final byte[] constants = read(areas.constants(), target.constants());
        final Map<String, Long> symbols = LinkedSymbols.addresses(target, areas, text, constants);
        // The library that a symbol was of may be gone.
        if (!areMapped(symbols.values(), mappings)) {
            return Optional.empty();
        }
        try {
            // What only initial values of variables refer to matters no more.
            final LinkedPatch linked = PatchLinker.link(
                    target,
                    image.loadBias(),
                    areas,
                    variables(target, constants),
                    symbol -> OptionalLong.of(symbols.getOrDefault(symbol, areas.data())));
            // A library that was loaded again, elsewhere, has the same name and other addresses.
            return Arrays.equals(text, linked.text()) && Arrays.equals(constants, linked.constants())
                    ? Optional.of(new Part(image, areas, linked))
                    : Optional.empty();
        } catch (final PatchLinkException e) {
            // From where the library is now these areas are out of reach.
            return Optional.empty();
        }
    }

    private static LinkedPatch code(final long start, final long end) {
        final LinkedPatch.Body body = new LinkedPatch.Body("a function of a patch", 0, 0, "", start, end, null, 0);
        return new LinkedPatch(NONE, NONE, NONE, List.of(), List.of(body), List.of());
    }

    /** Where a patch that was mapped before has its variables. */
    static Map<Long, Long> variables(final PatchTarget target, final byte[] constants) {
        return target.refersToVariables() ? LinkedVariables.addresses(target, constants) : Map.of();
    }

    private byte[] read(final long address, final PatchArea area) throws IOException {
        return area.content().length == 0 ? NONE : process.read(address, area.content().length);
    }

    private static boolean areMapped(final Collection<Long> addresses, final List<Mapping> mappings) {
        return addresses.stream()
                .allMatch(address -> mappings.stream()
                        .anyMatch(mapping -> Long.compareUnsigned(address, mapping.start()) >= 0
                                && Long.compareUnsigned(address, mapping.end()) < 0));
    }
}

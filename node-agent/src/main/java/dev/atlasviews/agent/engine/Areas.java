// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.AreaSizes;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where the areas of patches lie, or may lie, in a process. The three areas of a patch lie one after the other, text
 * first, each on its own pages, so that where one is tells where the others are.
 */
final class Areas {
    private static final String PREFIX = "/atlas:";
    private static final String UNWIND = "unwind:";
    private static final long PAGE = 4096;
    /** Kept free on both sides, for what grows and for what counts on a hole. */
    private static final long MARGIN = 1 << 20;
    /** What a 32-bit displacement reaches, with room for the areas and an instruction. */
    private static final long REACH = (1L << 31) - (1 << 20);
    /** Below it the kernel maps nothing (vm.mmap_min_addr). */
    private static final long LOWEST = 1 << 16;

    private static final long HIGHEST = 1L << 47;

    private Areas() {}

    /** The name of an area, for the module: kind, patch and program. */
    static String name(final AreaKind kind, final String digest, final String buildId) {
        return "%s:%s:%s".formatted(kind.name().toLowerCase(Locale.ROOT), shortened(digest), shortenedId(buildId));
    }

    /** The name of a routine for an unwinder, by what the view consists of. */
    static String unwindName(final LayerStack stack, final MappedImage unwinder) {
        return UNWIND
                + "%s:%s"
                        .formatted(
                                stack.tag().substring(0, 16),
                                shortenedId(unwinder.buildId().orElse("none")));
    }

    /** Areas that were mapped under this name. */
    static List<Mapping> named(final List<Mapping> mappings, final String name) {
        return mappings.stream()
                .filter(mapping -> mapping.offset() == 0 && (mapping.name() + " ").startsWith(PREFIX + name + " "))
                .toList();
    }

    /** The areas of a patch that are complete; more than one when an earlier attempt was interrupted. */
    static List<AreaAddresses> find(
            final List<Mapping> mappings, final String digest, final String buildId, final AreaSizes sizes) {
        final List<AreaAddresses> found = new ArrayList<>();
        for (final Mapping mapping : mappings) {
            for (final AreaKind kind : AreaKind.values()) {
                if (sizes.of(kind) > 0 && isStart(mapping, kind, digest, buildId)) {
                    final AreaAddresses areas = layout(mapping.start() - offset(sizes, kind), sizes);
                    if (!found.contains(areas) && complete(mappings, digest, buildId, sizes, areas)) {
                        found.add(areas);
                    }
                }
            }
        }
        return List.copyOf(found);
    }

    /**
     * The areas of a patch of which some are there, without the text, and there is room for the others: who mapped them ran
     * out of memory, or was interrupted.
     */
    static List<AreaAddresses> begun(
            final List<Mapping> mappings, final String digest, final String buildId, final AreaSizes sizes) {
        final List<AreaAddresses> found = new ArrayList<>();
        for (final Mapping mapping : mappings) {
            for (final AreaKind kind : List.of(AreaKind.DATA, AreaKind.CONSTANTS)) {
                if (sizes.of(kind) > 0 && isStart(mapping, kind, digest, buildId)) {
                    final AreaAddresses areas = layout(mapping.start() - offset(sizes, kind), sizes);
                    if (!found.contains(areas)
                            && isFree(mappings, areas.text(), sizes.text())
                            && List.of(AreaKind.DATA, AreaKind.CONSTANTS).stream()
                                    .allMatch(other -> isMapped(mappings, areas, other, digest, buildId)
                                            || isFree(mappings, areas.of(other), sizes.of(other)))) {
                        found.add(areas);
                    }
                }
            }
        }
        return List.copyOf(found);
    }

    /** Whether an area is there. */
    static boolean isMapped(
            final List<Mapping> mappings,
            final AreaAddresses areas,
            final AreaKind kind,
            final String digest,
            final String buildId) {
        return mappings.stream()
                .anyMatch(mapping -> mapping.start() == areas.of(kind) && isStart(mapping, kind, digest, buildId));
    }

    private static boolean isFree(final List<Mapping> mappings, final long start, final long size) {
        return start >= LOWEST
                && mappings.stream()
                        .noneMatch(mapping -> mapping.start() < start + aligned(size) && mapping.end() > start);
    }

    /** All mappings of patch code in the process. */
    static List<Mapping> text(final List<Mapping> mappings) {
        return mappings.stream()
                .filter(mapping -> mapping.name().startsWith(PREFIX + "text:"))
                .toList();
    }

    /** Bytes that areas occupy in the process. */
    static long retained(final List<Mapping> mappings) {
        return mappings.stream()
                .filter(mapping -> mapping.name().startsWith(PREFIX))
                .mapToLong(Mapping::length)
                .sum();
    }

    /** A digest as the names of areas have it. */
    static String shortened(final String digest) {
        return digest.substring(0, Math.min(digest.length(), 16));
    }

    /** The digests, shortened, of the patches that have an area in the process. */
    static Set<String> digests(final List<Mapping> mappings) {
        return mappings.stream()
                .filter(mapping ->
                        mapping.name().startsWith(PREFIX) && !mapping.name().startsWith(PREFIX + UNWIND))
                .map(mapping -> mapping.name().substring(mapping.name().indexOf(':', PREFIX.length()) + 1))
                .map(Areas::shortened)
                .collect(Collectors.toSet());
    }

    /**
     * Free addresses within reach of the image: below it if there are, where nothing grows into them; else above, as far
     * from the heap as may be.
     */
    static Optional<AreaAddresses> choose(
            final List<Mapping> mappings,
            final MappedImage image,
            final boolean positionIndependent,
            final AreaSizes sizes) {
        final long length = offset(sizes, AreaKind.DATA) + aligned(sizes.data());
        final long lowest = Math.max(LOWEST, image.end() - REACH);
        final long highest = positionIndependent
                ? Math.min(HIGHEST, image.first().start() + REACH)
                : Math.min(REACH, image.first().start() + REACH);
        final List<Long> below = new ArrayList<>();
        final List<Long> above = new ArrayList<>();
        long free = lowest;
        for (final Mapping mapping : mappings) {
            if (mapping.start() < 0) {
                break;
            }
            candidate(free, Math.min(mapping.start(), highest), length)
                    .ifPresent(address -> (address < image.first().start() ? below : above).add(address));
            free = Math.max(free, mapping.end());
        }
        candidate(free, highest, length).ifPresent(above::add);
        final List<Long> candidates = below.isEmpty() ? above : below;
        return candidates.isEmpty() ? Optional.empty() : Optional.of(layout(candidates.getLast(), sizes));
    }

    /** Length of an area in pages' bytes. */
    static long aligned(final long size) {
        return (size + PAGE - 1) & -PAGE;
    }

    private static Optional<Long> candidate(final long from, final long to, final long length) {
        final long address = (to - MARGIN - length) & -PAGE;
        if (address >= from + MARGIN) {
            return Optional.of(address);
        }
        final long tight = (to - length) & -PAGE;
        return from <= LOWEST && tight >= from ? Optional.of(from & -PAGE) : Optional.empty();
    }

    private static boolean complete(
            final List<Mapping> mappings,
            final String digest,
            final String buildId,
            final AreaSizes sizes,
            final AreaAddresses areas) {
        for (final AreaKind kind : AreaKind.values()) {
            if (sizes.of(kind) > 0 && !isMapped(mappings, areas, kind, digest, buildId)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isStart(
            final Mapping mapping, final AreaKind kind, final String digest, final String buildId) {
        return mapping.offset() == 0
                && mapping.name().startsWith(PREFIX)
                && (mapping.name() + " ").startsWith(PREFIX + name(kind, digest, buildId) + " ");
    }

    private static AreaAddresses layout(final long start, final AreaSizes sizes) {
        return new AreaAddresses(
                start, start + offset(sizes, AreaKind.CONSTANTS), start + offset(sizes, AreaKind.DATA));
    }

    private static long offset(final AreaSizes sizes, final AreaKind kind) {
        return switch (kind) {
            case TEXT -> 0;
            case CONSTANTS -> aligned(sizes.text());
            case DATA -> aligned(sizes.text()) + aligned(sizes.constants());
        };
    }

    private static String shortenedId(final String buildId) {
        return buildId.substring(0, Math.min(buildId.length(), 8));
    }
}

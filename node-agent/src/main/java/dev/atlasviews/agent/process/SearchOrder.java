// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * In which order the dynamic loader searches the images of a process for a symbol: those that the program began with, in
 * the order in which they were loaded, then what an image that came later names itself.
 *
 * <p>The order is that of the loader's own list, which debuggers go by ({@code r_debug} in {@code link.h}). The list lies
 * in the memory of the process: each entry has to be an image that is mapped there, and what is not consistent is no list.
 */
final class SearchOrder {
    private static final int MAX_IMAGES = 1 << 12;
    private static final int MAX_NEEDED = 1 << 14;
    private static final int R_DEBUG = 40;
    private static final int R_MAP = 8;
    private static final int R_STATE = 24;
    private static final int LINK_MAP = 40;

    private final List<MappedImage> loaded;
    private final Map<MappedImage, List<String>> needed = new HashMap<>();
    private final Map<String, MappedImage> byName = new HashMap<>();
    private final List<MappedImage> global;

    private SearchOrder(final TargetProcess process, final List<MappedImage> loaded) throws IOException {
        this.loaded = loaded;
        int count = 0;
        for (final MappedImage image : loaded) {
            final DynamicSection section = DynamicSection.read(process, image);
            count += section.neededCount();
            if (count > MAX_NEEDED) {
                throw new IOException("images that need %d libraries".formatted(count));
            }
            needed.put(image, section.needed(process));
            byName.putIfAbsent(section.soname(process), image);
            byName.putIfAbsent(file(image.first().name()), image);
        }
        global = untilLast(named(loaded.getFirst()));
    }

    private static String file(final String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** Reads it; empty if the process has no such list, or none that makes sense now. */
    static Optional<SearchOrder> read(final TargetProcess process, final List<MappedImage> images) {
        for (final MappedImage program : images) {
            try {
                final long debug = DynamicSection.read(process, program).value(DynamicSection.DEBUG);
                final List<MappedImage> loaded = debug == 0 ? List.of() : loaded(process, images, debug);
                if (!loaded.isEmpty() && loaded.getFirst().equals(program)) {
                    return Optional.of(new SearchOrder(process, loaded));
                }
            } catch (final IOException | IndexOutOfBoundsException | ArithmeticException e) {
                // It is no program of which a loader has noted anything.
            }
        }
        return Optional.empty();
    }

    private static List<MappedImage> loaded(
            final TargetProcess process, final List<MappedImage> images, final long debug) throws IOException {
        final ByteBuffer head = DynamicSymbols.bytes(process, debug, R_DEBUG);
        if (head.getInt(R_STATE) != 0) {
            throw new IOException("the list is being changed");
        }
        final List<Mapping> mappings = process.mappings();
        final Set<MappedImage> loaded = new LinkedHashSet<>();
        long previous = 0;
        int entries = 0;
        for (long at = head.getLong(R_MAP); at != 0; entries++) {
            final ByteBuffer entry = DynamicSymbols.bytes(process, at, LINK_MAP);
            final long bias = entry.getLong(0);
            final long dynamic = entry.getLong(16);
            final Optional<MappedImage> image = images.stream()
                    .filter(candidate -> candidate.loadBias() == bias && candidate.contains(dynamic))
                    .findFirst();
            // A library that is nothing but data is no image here.
            if (image.isEmpty() && mappings.stream().noneMatch(mapping -> holds(mapping, dynamic))) {
                throw new IOException("the list names what is not mapped");
            }
            if (entry.getLong(32) != previous || entries >= MAX_IMAGES) {
                throw new IOException("the list is not linked as one");
            }
            // Symbols of the kernel's own image are found through the C library.
            image.filter(known -> known.first().inode() != 0).ifPresent(loaded::add);
            previous = at;
            at = entry.getLong(24);
        }
        return List.copyOf(loaded);
    }

    private static boolean holds(final Mapping mapping, final long address) {
        return mapping.inode() != 0 && address >= mapping.start() && address < mapping.end();
    }

    /** The images that every reference is looked up in first. What was preloaded lies between the program and its libraries. */
    List<MappedImage> global() {
        return global;
    }

    private List<MappedImage> untilLast(final Set<MappedImage> named) {
        int end = 0;
        for (int i = 0; i < loaded.size(); i++) {
            if (named.contains(loaded.get(i))) {
                end = i + 1;
            }
        }
        return loaded.subList(0, end);
    }

    /** An image and the libraries that it names, that those name, and so on; empty if it is not one of the loader's list. */
    Set<MappedImage> named(final MappedImage image) {
        final Set<MappedImage> named = new LinkedHashSet<>();
        final Deque<MappedImage> next = new ArrayDeque<>();
        if (needed.containsKey(image)) {
            named.add(image);
            next.add(image);
        }
        while (!next.isEmpty()) {
            for (final String name : needed.getOrDefault(next.remove(), List.of())) {
                final MappedImage library = byName.getOrDefault(name, byName.get(file(name)));
                if (library != null && named.add(library)) {
                    next.add(library);
                }
            }
        }
        return named;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What the dynamic loader would bind a symbol to that an image of a process refers to.
 *
 * <p>What it has bound for this image already is right by definition. Else the images' own tables are searched in the
 * loader's order, for the version that the image asks for. An IFUNC is not chosen here: it is what the loader has bound
 * it to for another image.
 */
public final class DynamicSymbols {
    private static final int MAX_TABLE = 16 << 20;
    /** Longer than any mangled name that a compiler makes. */
    private static final int MAX_NAME = 1 << 14;

    private final TargetProcess process;
    private final List<MappedImage> images;
    private final Map<MappedImage, ImageSymbols> symbols = new HashMap<>();
    private final SymbolBudget budget = new SymbolBudget();
    private Optional<SearchOrder> order = Optional.empty();
    private boolean orderRead;

    /** The symbols of these images, read when the first is asked for. */
    public DynamicSymbols(final TargetProcess process, final List<MappedImage> images) {
        this.process = process;
        this.images = List.copyOf(images);
    }

    /**
     * The run-time address that a symbol has for an image; empty if no loaded image has it.
     *
     * @throws AmbiguousSymbolException if several have, and it is not known which the loader would take; or it is an IFUNC
     *     that the loader has bound for nobody yet; or an image that may have it has more symbols than are read
     */
    public OptionalLong resolve(final MappedImage image, final String symbol) throws AmbiguousSymbolException {
        final Optional<String> version = version(image, symbol);
        final OptionalLong own = of(image).bound(symbol, version.orElse(""));
        if (own.isPresent()) {
            return own;
        }
        if (!orderRead) {
            orderRead = true;
            order = SearchOrder.read(process, images);
        }
        // The symbols of the kernel's own image are the C library's to use.
        final Set<MappedImage> others = new LinkedHashSet<>();
        images.stream().filter(other -> other.first().inode() != 0).forEach(others::add);
        final Set<MappedImage> named = order.map(known -> known.named(image)).orElse(Set.of());
        if (!named.isEmpty()) {
            for (final MappedImage searched : order.orElseThrow().global()) {
                final Optional<ImageSymbols.Definition> found = of(searched).find(symbol, version);
                if (found.isPresent()) {
                    return OptionalLong.of(address(symbol, found.get()).orElseThrow(() -> notBound(symbol, searched)));
                }
                others.remove(searched);
            }
        }
        boolean found = false;
        for (final MappedImage searched : named) {
            if (found) {
                others.remove(searched);
            }
            found |= of(searched).find(symbol, version).isPresent();
        }
        // Whether others that were loaded later are in its scope, and before its own, only the loader knows.
        return only(symbol, version, others);
    }

    private Optional<String> version(final MappedImage image, final String symbol) throws AmbiguousSymbolException {
        final Set<String> asked = of(image).asked(symbol);
        if (asked.size() > 1) {
            throw new AmbiguousSymbolException("%s refers to several versions of the symbol %s"
                    .formatted(image.first().name(), symbol));
        }
        return asked.stream().findFirst();
    }

    /** The address that all of these who define a symbol agree on. */
    private OptionalLong only(final String symbol, final Optional<String> version, final Set<MappedImage> among)
            throws AmbiguousSymbolException {
        final Map<Long, String> found = new LinkedHashMap<>();
        Optional<MappedImage> unbound = Optional.empty();
        for (final MappedImage image : among) {
            final Optional<ImageSymbols.Definition> definition = of(image).find(symbol, version);
            if (definition.isPresent()) {
                final OptionalLong address = address(symbol, definition.get());
                if (address.isPresent()) {
                    found.putIfAbsent(address.getAsLong(), image.first().name());
                } else {
                    unbound = Optional.of(image);
                }
            }
        }
        if (found.isEmpty() && unbound.isPresent()) {
            throw notBound(symbol, unbound.get());
        }
        if (found.size() > 1) {
            throw new AmbiguousSymbolException(
                    "the symbol %s is defined by each of %s, and it is not known which is meant"
                            .formatted(symbol, String.join(", ", found.values())));
        }
        return found.keySet().stream().mapToLong(Long::longValue).findFirst();
    }

    private static AmbiguousSymbolException notBound(final String symbol, final MappedImage image) {
        return new AmbiguousSymbolException(
                "%s of %s is chosen at run time (IFUNC), and nothing in the process has bound it yet"
                        .formatted(symbol, image.first().name()));
    }

    /** Empty for an IFUNC that nobody has bound yet. */
    private OptionalLong address(final String symbol, final ImageSymbols.Definition definition) {
        if (!definition.isIndirect()) {
            return OptionalLong.of(definition.address());
        }
        for (final MappedImage image : images) {
            final OptionalLong chosen = read(image).bound(symbol, definition.version());
            if (chosen.isPresent()) {
                return chosen;
            }
        }
        return OptionalLong.empty();
    }

    /** Of an image that may define a symbol all symbols have to be known. */
    private ImageSymbols of(final MappedImage image) throws AmbiguousSymbolException {
        final ImageSymbols read = read(image);
        if (!read.isComplete()) {
            throw new AmbiguousSymbolException(
                    "%s has more symbols than are read".formatted(image.first().name()));
        }
        return read;
    }

    private ImageSymbols read(final MappedImage image) {
        return symbols.computeIfAbsent(image, key -> ImageSymbols.read(process, key, budget));
    }

    static String name(final ByteBuffer names, final int offset) throws IOException {
        int end = offset;
        while (names.get(end) != 0) {
            end++;
            if (end - offset > MAX_NAME) {
                throw new IOException("a name without end");
            }
        }
        return StandardCharsets.ISO_8859_1
                .decode(names.slice(offset, end - offset))
                .toString();
    }

    static ByteBuffer bytes(final TargetProcess process, final long address, final long size) throws IOException {
        if (size < 0 || size > MAX_TABLE) {
            throw new SymbolBudget.SpentException("a table of %d bytes".formatted(size));
        }
        return ByteBuffer.wrap(process.read(address, (int) size)).order(ByteOrder.LITTLE_ENDIAN);
    }
}

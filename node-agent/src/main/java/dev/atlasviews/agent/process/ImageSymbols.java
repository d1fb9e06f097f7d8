// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** The dynamic symbols of one image, as the process' memory has them: what it defines, what it asks others for. */
public final class ImageSymbols {
    private static final int SYMBOL = 24;
    private static final int RELOCATION = 24;
    private static final int R_X86_64_GLOB_DAT = 6;
    private static final int R_X86_64_JUMP_SLOT = 7;
    private static final int SHN_ABS = 0xfff1;
    private static final int STB_LOCAL = 0;
    private static final int STT_COMMON = 5;
    private static final int STT_GNU_IFUNC = 10;
    private static final int STV_INTERNAL = 1;
    private static final int STV_HIDDEN = 2;
    /** Versions below it are taken by references without a version: none, and the image's first. */
    private static final int SECOND_VERSION = 3;

    private final TargetProcess process;
    private final MappedImage image;
    private final Map<String, List<Definition>> defined = new HashMap<>();
    private final Map<String, Set<String>> imported = new HashMap<>();
    private final Map<String, List<Slot>> slots = new HashMap<>();
    private final SymbolBudget budget;
    private boolean complete = true;

    /**
     * A symbol that the image defines.
     *
     * @param isIndirect whether it is an IFUNC, whose address is that of its resolver
     * @param number of its version in the image
     */
    record Definition(long address, boolean isIndirect, int number, String version, boolean isHidden) {}

    /** Where the image keeps what the loader has bound a symbol to. */
    private record Slot(long address, boolean isLazy, String version) {}

    private ImageSymbols(final TargetProcess process, final MappedImage image, final SymbolBudget budget) {
        this.process = process;
        this.image = image;
        this.budget = budget;
    }

    /** Reads them. An image with odd tables has no symbols, nor has a process that is gone. */
    public static ImageSymbols read(final TargetProcess process, final MappedImage image) {
        return read(process, image, new SymbolBudget());
    }

    /** The same, as far as the symbols of all images together do not exceed the budget. */
    static ImageSymbols read(final TargetProcess process, final MappedImage image, final SymbolBudget budget) {
        final ImageSymbols symbols = new ImageSymbols(process, image, budget);
        try {
            symbols.read(DynamicSection.read(process, image));
            return symbols;
        } catch (final IOException | IndexOutOfBoundsException | ArithmeticException e) {
            final ImageSymbols none = new ImageSymbols(process, image, budget);
            none.complete = !(e instanceof SymbolBudget.SpentException);
            return none;
        }
    }

    /** Whether it has no symbols but these: else it has too many, and none of them was read. */
    boolean isComplete() {
        return complete;
    }

    private void read(final DynamicSection dynamic) throws IOException {
        final long strings = dynamic.address(DynamicSection.STRTAB);
        final long symbols = dynamic.address(DynamicSection.SYMTAB);
        if (strings == 0 || symbols == 0) {
            return;
        }
        final ByteBuffer names = DynamicSymbols.bytes(process, strings, dynamic.value(DynamicSection.STRSZ));
        final List<ByteBuffer> relocations = List.of(
                relocations(dynamic, DynamicSection.JMPREL, DynamicSection.PLTRELSZ),
                relocations(dynamic, DynamicSection.RELA, DynamicSection.RELASZ));
        // Hash tables leave out what an image only asks for.
        int count = dynamic.symbolCount(process);
        for (final ByteBuffer table : relocations) {
            for (int at = 0; at + RELOCATION <= table.limit(); at += RELOCATION) {
                count = Math.max(count, DynamicSection.bounded(table.getInt(at + 12)) + 1);
            }
        }
        final ByteBuffer table = DynamicSymbols.bytes(process, symbols, (long) count * SYMBOL);
        final SymbolVersions versions = SymbolVersions.read(process, dynamic, names, count);
        for (int i = 1; i < count; i++) {
            readSymbol(table, i, DynamicSymbols.name(names, table.getInt(i * SYMBOL)), versions);
        }
        for (final ByteBuffer relocation : relocations) {
            readSlots(relocation, table, names, versions);
        }
    }

    private ByteBuffer relocations(final DynamicSection dynamic, final long tag, final long size) throws IOException {
        final long table = dynamic.address(tag);
        return table == 0 ? ByteBuffer.allocate(0) : DynamicSymbols.bytes(process, table, dynamic.value(size));
    }

    private void readSymbol(final ByteBuffer table, final int number, final String name, final SymbolVersions versions)
            throws IOException {
        budget.take(name);
        final int at = number * SYMBOL;
        final int binding = table.get(at + 4) >> 4 & 15;
        final int type = table.get(at + 4) & 15;
        final int visibility = table.get(at + 5) & 3;
        final int section = table.getShort(at + 6) & 0xffff;
        final long value = table.getLong(at + 8);
        if (section == 0) {
            imported.computeIfAbsent(name, key -> new HashSet<>()).add(versions.name(number));
        }
        // What a program at a fixed address only asks for may have a value as well: its own stub is the function's
        // address.
        if (binding == STB_LOCAL
                || visibility == STV_INTERNAL
                || visibility == STV_HIDDEN
                || (section == 0 && value == 0)
                || (type > 2 && type != STT_COMMON && type != STT_GNU_IFUNC)) {
            return;
        }
        defined.computeIfAbsent(name, key -> new ArrayList<>())
                .add(new Definition(
                        section == SHN_ABS ? value : image.address(value),
                        type == STT_GNU_IFUNC,
                        versions.number(number),
                        versions.name(number),
                        versions.isHidden(number)));
    }

    private void readSlots(
            final ByteBuffer relocations, final ByteBuffer table, final ByteBuffer names, final SymbolVersions versions)
            throws IOException {
        for (int at = 0; at + RELOCATION <= relocations.limit(); at += RELOCATION) {
            final int type = relocations.getInt(at + 8);
            final int symbol = relocations.getInt(at + 12);
            if (symbol > 0 && (type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT)) {
                final String name = DynamicSymbols.name(names, table.getInt(symbol * SYMBOL));
                budget.take(name);
                slots.computeIfAbsent(name, key -> new ArrayList<>())
                        .add(new Slot(
                                image.address(relocations.getLong(at)),
                                type == R_X86_64_JUMP_SLOT,
                                versions.name(symbol)));
            }
        }
    }

    /** The run-time address of a symbol that the image defines for those who ask for no version; empty if it does not. */
    public OptionalLong definition(final String symbol) {
        return find(symbol, Optional.empty()).stream()
                .filter(definition -> !definition.isIndirect())
                .mapToLong(Definition::address)
                .findFirst();
    }

    /** Whether the image asks others for a symbol. */
    public boolean imports(final String symbol) {
        return imported.containsKey(symbol);
    }

    /** The versions in which the image means a symbol of this name; none if it does not, nothing where it has no version. */
    Set<String> asked(final String symbol) {
        final Set<String> versions = imported.get(symbol);
        if (versions != null) {
            return versions;
        }
        final Set<String> own = new HashSet<>();
        find(symbol, Optional.empty()).ifPresent(definition -> own.add(definition.version()));
        return own;
    }

    /**
     * The definition that the dynamic loader would take, if it came to this image.
     *
     * @param version what is asked for: nothing if a reference has no version; empty for what a linker would take now
     */
    Optional<Definition> find(final String symbol, final Optional<String> version) {
        final List<Definition> candidates = defined.getOrDefault(symbol, List.of());
        if (version.isEmpty()) {
            return candidates.stream()
                    .filter(definition -> !definition.isHidden())
                    .findFirst();
        }
        final String asked = version.get();
        if (!asked.isEmpty()) {
            return candidates.stream()
                    .filter(definition -> definition.version().equals(asked)
                            || (definition.version().isEmpty() && !definition.isHidden()))
                    .findFirst();
        }
        final Optional<Definition> first = candidates.stream()
                .filter(definition -> definition.number() < SECOND_VERSION)
                .findFirst();
        final List<Definition> others =
                candidates.stream().filter(definition -> !definition.isHidden()).toList();
        return first.isPresent() || others.size() != 1 ? first : Optional.of(others.getFirst());
    }

    /** What the loader has bound the image's own reference to a symbol to; empty if it did not yet. */
    OptionalLong bound(final String symbol, final String version) {
        for (final Slot slot : slots.getOrDefault(symbol, List.of())) {
            try {
                final long value = DynamicSymbols.bytes(process, slot.address(), Long.BYTES)
                        .getLong(0);
                // A lazy slot points back into its own image until its first use.
                if (slot.version().equals(version) && value != 0 && !(slot.isLazy() && image.contains(value))) {
                    return OptionalLong.of(value);
                }
            } catch (final IOException e) {
                // A slot that is not there is bound to nothing.
            }
        }
        return OptionalLong.empty();
    }
}

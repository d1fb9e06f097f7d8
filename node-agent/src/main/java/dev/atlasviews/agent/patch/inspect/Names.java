// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchVariable;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the addresses of a patched image are called: functions, variables, stubs for calls to libraries, and slots. */
final class Names {
    private static final int STUB_BYTES = 11;
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

    private final PatchedImage image;
    private final NavigableMap<Long, Range> ranges = new TreeMap<>();
    /** What the patch says, which is believed only where the program says nothing. */
    private final NavigableMap<Long, Range> patchRanges = new TreeMap<>();
    /** The names that the program itself has, all of them. */
    private final Map<Long, Set<String>> programNames = new HashMap<>();

    private final Set<String> known = new HashSet<>();
    private final Map<Long, Slot> slots = new HashMap<>();

    private record Range(String name, long size) {}

    /**
     * A word that holds an address.
     *
     * @param symbol the library's symbol whose address it holds
     * @param address the address in the image that it holds, if it is no library's
     */
    record Slot(@Nullable String symbol, long address) {}

    private Names(final PatchedImage image) {
        this.image = image;
    }

    static Names of(final PatchedImage image) throws ElfFormatException {
        final Names names = new Names(image);
        names.addProgram();
        names.addPatch();
        return names;
    }

    private void addProgram() throws ElfFormatException {
        Stream.concat(image.program().symbols().stream(), image.program().dynamicSymbols().stream())
                .filter(Names::isNameOfAddress)
                .forEach(this::addProgramSymbol);
        for (final ElfRelocation relocation : image.program().dynamicRelocations()) {
            switch (relocation.type()) {
                case Elf.R_X86_64_JUMP_SLOT, Elf.R_X86_64_GLOB_DAT ->
                    slots.put(
                            relocation.offset(),
                            new Slot(withoutVersion(relocation.symbol().name()), 0));
                case Elf.R_X86_64_RELATIVE -> slots.put(relocation.offset(), new Slot(null, relocation.addend()));
                default -> {}
            }
        }
    }

    private void addProgramSymbol(final ElfSymbol symbol) {
        final String name = withoutVersion(symbol.name());
        add(ranges, symbol.value(), symbol.size(), name);
        programNames
                .computeIfAbsent(symbol.value(), address -> new LinkedHashSet<>())
                .add(name);
        known.add(name);
    }

    private static boolean isNameOfAddress(final ElfSymbol symbol) {
        return symbol.isDefined()
                && !symbol.name().isEmpty()
                && (symbol.isFunction() || (symbol.size() > 0 && symbol.type() != Elf.STT_TLS));
    }

    private static String withoutVersion(final String symbol) {
        final int version = symbol.indexOf('@');
        return version < 0 ? symbol : symbol.substring(0, version);
    }

    private void addPatch() {
        for (final PatchFunction function : image.target().functions()) {
            if (function.oldBody() != null) {
                addPatchName(function.oldBody().address(), function.oldBody().size(), function.name());
            }
            if (function.newBody() != null) {
                final Optional<String> own = ofReplaced(function);
                if (own.isPresent()) {
                    add(
                            patchRanges,
                            image.address(function.newBody()),
                            function.newBody().size(),
                            own.get());
                } else {
                    addPatchName(
                            image.address(function.newBody()),
                            function.newBody().size(),
                            function.name());
                }
            }
        }
        for (final PatchVariable variable : image.target().variables()) {
            addPatchName(image.address(AreaKind.DATA) + variable.offset(), variable.size(), variable.name());
        }
        for (final AreaKind area : AreaKind.values()) {
            for (final PatchRelocation relocation : image.target().area(area).relocations()) {
                addReference(image.address(area) + relocation.offset(), relocation);
            }
        }
    }

    private void addReference(final long field, final PatchRelocation relocation) {
        if (relocation.target() instanceof RelocationTarget.InImage(final String symbol, final long address)
                && withoutVersion(symbol).equals(symbol)) {
            // The program may be stripped: the patch knows how it calls what it refers to.
            addPatchName(address, 0, symbol);
        }
        if (relocation.kind() == PatchRelocation.Kind.ABS64) {
            slots.put(
                    field,
                    switch (relocation.target()) {
                        case RelocationTarget.InArea(final AreaKind area, final long offset) ->
                            new Slot(null, image.address(area) + offset + relocation.addend());
                        case RelocationTarget.InVariable(final long offset) ->
                            new Slot(null, image.address(AreaKind.DATA) + offset + relocation.addend());
                        case RelocationTarget.InImage(final String _, final long address) ->
                            new Slot(null, address + relocation.addend());
                        case RelocationTarget.Dynamic(final String symbol) -> new Slot(symbol, 0);
                    });
        }
    }

    /** What the patch calls something must not be taken for what the program calls so, or for a stub. */
    private void addPatchName(final long address, final long size, final String name) {
        add(patchRanges, address, size, known.contains(name) || name.contains("@") ? name + " (patch)" : name);
    }

    /** Of several names for one place the longest range counts, and the first of the same length. */
    private static void add(
            final NavigableMap<Long, Range> ranges, final long address, final long size, final String name) {
        ranges.merge(address, new Range(name, size), (old, now) -> now.size() > old.size() ? now : old);
    }

    /** What the program itself calls a function that is replaced: the patch's name, if that is one of several. */
    Optional<String> ofReplaced(final PatchFunction function) {
        if (function.oldBody() == null) {
            return Optional.empty();
        }
        final Set<String> names = programNames.getOrDefault(function.oldBody().address(), Set.of());
        return names.contains(function.name())
                ? Optional.of(function.name())
                : names.stream().findFirst();
    }

    /**
     * The function or variable at an address, with a distance from its start: the program's name, else the stub of a
     * library's function, else the patch's name.
     */
    Optional<String> of(final long address) {
        return within(ranges, address).or(() -> ofLibrary(address)).or(() -> within(patchRanges, address));
    }

    /** The library's symbol that an address stands for, unless it is in a function or variable of the program. */
    Optional<String> symbol(final long address) {
        return within(ranges, address).isPresent() ? Optional.empty() : ofLibrary(address);
    }

    private Optional<String> ofLibrary(final long address) {
        return image.dynamicSymbol(address).or(() -> stub(address).map(symbol -> symbol + "@plt"));
    }

    private static Optional<String> within(final NavigableMap<Long, Range> ranges, final long address) {
        Map.Entry<Long, Range> entry = ranges.floorEntry(address);
        // A mere label does not end what it lies in.
        while (entry != null && entry.getValue().size() == 0 && entry.getKey() != address) {
            entry = ranges.lowerEntry(entry.getKey());
        }
        if (entry == null) {
            return Optional.empty();
        }
        final long offset = address - entry.getKey();
        return offset == 0 || offset < entry.getValue().size()
                ? Optional.of(entry.getValue().name() + (offset == 0 ? "" : "+0x" + Long.toHexString(offset)))
                : Optional.empty();
    }

    /** The slot at an address, unless it is part of a variable. */
    Optional<Slot> slot(final long address) {
        return Optional.ofNullable(slots.get(address));
    }

    /** Whose stub lies at an address: the program's procedure linkage table, and the patch's stubs, jump through slots. */
    private Optional<String> stub(final long address) {
        return Stream.of(STUB_BYTES, STUB_BYTES - ENDBR64.length - 1)
                .map(size -> image.bytes(address, size))
                .flatMap(Optional::stream)
                .findFirst()
                .flatMap(code -> jumpedThrough(address, code))
                .flatMap(this::slot)
                .flatMap(slot -> Optional.ofNullable(slot.symbol()));
    }

    private static Optional<Long> jumpedThrough(final long address, final byte[] code) {
        final ByteBuffer bytes = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
        for (final int start : List.of(0, ENDBR64.length, ENDBR64.length + 1)) {
            if (start + 6 <= code.length && code[start] == (byte) 0xff && code[start + 1] == 0x25) {
                return Optional.of(address + start + 6 + bytes.getInt(start + 2));
            }
        }
        return Optional.empty();
    }
}

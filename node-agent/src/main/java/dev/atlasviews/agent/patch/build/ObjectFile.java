// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An object file of one translation unit, seen as functions and variables. */
final class ObjectFile {
    private static final Pattern C_IDENTIFIER = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private final String unit;
    private final ElfFile elf;
    private final Map<Integer, List<ElfSymbol>> symbolsBySection = new LinkedHashMap<>();
    private final Map<String, Code> functions = new LinkedHashMap<>();
    private final Map<String, List<Code>> parts = new HashMap<>();
    private final Map<Integer, List<ElfRelocation>> relocations = new LinkedHashMap<>();
    private final LineTable lines;
    private @Nullable UnwindTables unwindTables;

    private ObjectFile(final String unit, final ElfFile elf) throws ElfFormatException, PatchRefusedException {
        this.unit = unit;
        this.elf = elf;
        if (elf.type() != Elf.ET_REL) {
            throw new ElfFormatException(unit + ": not an object file");
        }
        refuseIntermediate(unit, elf);
        for (final ElfSymbol symbol : elf.symbols()) {
            if (symbol.isDefined() && !isPlain(symbol)) {
                symbolsBySection
                        .computeIfAbsent(symbol.section(), index -> new ArrayList<>())
                        .add(symbol);
            }
        }
        for (final ElfSymbol symbol : elf.symbols()) {
            if (symbol.isDefined() && symbol.isFunction() && section(symbol).isCode()) {
                functions.put(symbol.name(), code(symbol));
            }
        }
        for (final Code code : functions.values()) {
            final List<Code> known = parts.computeIfAbsent(code.family(), family -> new ArrayList<>());
            known.add(code.isColdPart() ? known.size() : 0, code);
        }
        lines = LineTable.of(elf);
    }

    /**
     * Reads an object file.
     *
     * @param unit what to call it
     */
    static ObjectFile of(final String unit, final ElfFile elf) throws ElfFormatException, PatchRefusedException {
        return new ObjectFile(unit, elf);
    }

    /** Refuses objects that hold no final code. */
    static void refuseIntermediate(final String unit, final ElfFile elf) throws PatchRefusedException {
        for (final ElfSection section : elf.sections()) {
            if (section.name().startsWith(".gnu.lto_")) {
                throw new PatchRefusedException(Refusal.LTO_OBJECT, unit, "section " + section.name());
            }
        }
    }

    private Code code(final ElfSymbol symbol) throws ElfFormatException, PatchRefusedException {
        final ElfSection section = section(symbol);
        for (final ElfSymbol other : symbolsBySection.getOrDefault(section.index(), List.of())) {
            if (other.isFunction() && other.value() != symbol.value()) {
                throw new PatchRefusedException(
                        Refusal.NOT_FUNCTION_SECTIONS, symbol.name(), "shares its section with " + other.name());
            }
        }
        final byte[] bytes = slice(section, symbol.value(), symbol.size());
        final List<ElfRelocation> own = new ArrayList<>();
        for (final ElfRelocation relocation : relocations(section)) {
            if (relocation.offset() >= symbol.value() && relocation.offset() < symbol.value() + symbol.size()) {
                final long offset = relocation.offset() - symbol.value();
                own.add(new ElfRelocation(offset, relocation.type(), relocation.symbol(), relocation.addend()));
                if (offset + Relocations.width(relocation.type()) > bytes.length) {
                    throw new ElfFormatException(unit + ": a relocation reaches out of " + symbol.name());
                }
            }
        }
        try {
            return CodeLabels.withOwnStart(
                    new Code(symbol, section, bytes, List.copyOf(own), InstructionDecoder.decode(bytes)));
        } catch (final InstructionDecoder.UnknownInstructionException e) {
            throw new PatchRefusedException(Refusal.UNKNOWN_INSTRUCTION, symbol.name(), "at offset " + e.offset());
        }
    }

    String unit() {
        return unit;
    }

    ElfFile elf() {
        return elf;
    }

    LineTable lines() {
        return lines;
    }

    /** How its functions' frames are unwound, read when it is first asked for: few objects are. */
    UnwindTables unwindTables() {
        if (unwindTables == null) {
            unwindTables = UnwindTables.of(this);
        }
        return unwindTables;
    }

    /** All code with a name, in the order of the symbol table. */
    Map<String, Code> functions() {
        return functions;
    }

    /** A function and its cold parts, the function first. */
    List<Code> parts(final String function) {
        return parts.getOrDefault(function, List.of());
    }

    /** Named data of this object, thread-local and common variables included. */
    List<ElfSymbol> variables() {
        return elf.symbols().stream().filter(this::isVariable).toList();
    }

    /** Named data of a section. */
    List<ElfSymbol> variables(final ElfSection section) {
        return symbolsBySection.getOrDefault(section.index(), List.of()).stream()
                .filter(this::isVariable)
                .toList();
    }

    /** Whether a symbol only marks a place: sections, and the labels that compilers make for strings and jumps. */
    private static boolean isPlain(final ElfSymbol symbol) {
        return symbol.type() == Elf.STT_SECTION
                || symbol.type() == Elf.STT_FILE
                || symbol.name().isEmpty()
                || symbol.name().startsWith(".L");
    }

    boolean isVariable(final ElfSymbol symbol) {
        if (symbol.section() == Elf.SHN_COMMON) {
            return true;
        }
        return symbol.isDefined()
                && !isPlain(symbol)
                && section(symbol).has(Elf.SHF_ALLOC)
                && !section(symbol).isCode();
    }

    /** Whether the program may change this variable; what is constant once it is relocated may be copied. */
    boolean isWritable(final ElfSymbol variable) {
        return variable.section() == Elf.SHN_COMMON || isWritable(section(variable));
    }

    /**
     * Whether the linker gathers it in a set: of sections whose name is one of C it gives start and end to whoever goes
     * through them ({@code __start_NAME}), and what is to be kept without being referred to is found likewise.
     */
    boolean isInSet(final ElfSymbol variable) {
        return variable.isDefined()
                && (section(variable).has(Elf.SHF_GNU_RETAIN)
                        || C_IDENTIFIER.matcher(section(variable).name()).matches());
    }

    static boolean isWritable(final ElfSection section) {
        return section.has(Elf.SHF_WRITE) && !section.name().startsWith(".data.rel.ro");
    }

    /** What code may count on that the address of a variable is a multiple of. */
    long alignment(final ElfSymbol variable) {
        final long place = variable.value();
        if (variable.section() == Elf.SHN_COMMON) {
            return Math.max(1, place);
        }
        final long alignment = Math.max(1, section(variable).alignment());
        return place == 0 ? alignment : Math.min(alignment, Long.lowestOneBit(place));
    }

    /** The section of a defined symbol. */
    ElfSection section(final ElfSymbol symbol) {
        return elf.sections().get(symbol.section());
    }

    /** Whether it is of a group of sections, which several objects may have and the linker takes once (COMDAT). */
    boolean isOfGroup(final ElfSymbol symbol) {
        return symbol.isDefined() && section(symbol).has(Elf.SHF_GROUP);
    }

    /** Name of the source file, as the compiler recorded it. */
    Optional<String> sourceFile() {
        return sourceFile(elf);
    }

    /** Name of an object's source file, as the compiler recorded it. */
    static Optional<String> sourceFile(final ElfFile elf) {
        return elf.symbols().stream()
                .filter(symbol -> symbol.type() == Elf.STT_FILE)
                .map(ElfSymbol::name)
                .findFirst();
    }

    /** Relocations of a section in ascending order. */
    List<ElfRelocation> relocations(final ElfSection section) throws ElfFormatException {
        List<ElfRelocation> sorted = relocations.get(section.index());
        if (sorted == null) {
            sorted = elf.relocations(section).stream()
                    .sorted(Comparator.comparingLong(ElfRelocation::offset))
                    .toList();
            relocations.put(section.index(), sorted);
        }
        return sorted;
    }

    /** Content of a part of a section; zeros where the file has no bits. */
    byte[] slice(final ElfSection section, final long offset, final long size) throws ElfFormatException {
        if (offset < 0 || size < 0 || size > Integer.MAX_VALUE || offset > section.size() - size) {
            throw new ElfFormatException(unit + ": a symbol reaches out of " + section.name());
        }
        if (section.type() == Elf.SHT_NOBITS) {
            return new byte[(int) size];
        }
        return Arrays.copyOfRange(elf.content(section), (int) offset, (int) (offset + size));
    }

    /** Initial content of a variable. */
    byte[] content(final ElfSymbol variable) throws ElfFormatException {
        return variable.section() == Elf.SHN_COMMON
                ? new byte[Math.toIntExact(variable.size())]
                : slice(section(variable), variable.value(), variable.size());
    }

    /** Relocations of a variable, offsets from its start. */
    List<ElfRelocation> relocations(final ElfSymbol variable) throws ElfFormatException {
        if (variable.section() == Elf.SHN_COMMON) {
            return List.of();
        }
        final List<ElfRelocation> own = new ArrayList<>();
        for (final ElfRelocation relocation : relocations(section(variable))) {
            final long offset = relocation.offset() - variable.value();
            if (offset >= 0 && offset < variable.size()) {
                own.add(new ElfRelocation(offset, relocation.type(), relocation.symbol(), relocation.addend()));
            }
        }
        return own;
    }

    /** What a relocation points to; {@code bias} as in {@link Code#bias}, 0 for data. */
    Place place(final ElfRelocation relocation, final long bias) {
        final ElfSymbol symbol = relocation.symbol();
        if (!symbol.isDefined() || !isPlain(symbol)) {
            return new Place.Named(symbol, relocation.addend() + bias);
        }
        final long offset = symbol.value() + relocation.addend() + bias;
        final ElfSection section = section(symbol);
        final long anchor = symbol.type() == Elf.STT_SECTION ? offset : symbol.value();
        if (section.has(Elf.SHF_MERGE)) {
            return new Place.Anonymous(section, offset, anchor);
        }
        final List<ElfSymbol> named = symbolsBySection.getOrDefault(section.index(), List.of()).stream()
                .filter(candidate -> candidate.type() != Elf.STT_NOTYPE || !section.isCode())
                .toList();
        // With a section for each variable and function, an offset outside of it still means this one.
        if (!named.isEmpty() && named.stream().allMatch(candidate -> candidate.value() == 0)) {
            return new Place.Named(named.getFirst(), offset);
        }
        return named.stream()
                .filter(candidate -> offset >= candidate.value() && offset < candidate.value() + candidate.size())
                .findFirst()
                .<Place>map(candidate -> new Place.Named(candidate, offset - candidate.value()))
                .orElseGet(() -> new Place.Anonymous(section, offset, anchor));
    }

    /** What a relocation of code points to. */
    Place place(final Code code, final ElfRelocation relocation) {
        return place(relocation, code.bias(relocation));
    }
}

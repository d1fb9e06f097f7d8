// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** A translation unit as it was linked into the program: which of the program's symbols are this unit's. */
final class RunningUnit {
    private final ObjectFile before;
    private final TargetProgram target;
    private final String file;
    /** Which of the program's files of this name it is. */
    private final int occurrence;

    private final Map<ElfSymbol, ElfSymbol> symbols = new HashMap<>();
    /** By the function's name. */
    private final Map<String, LinkedCode> linkedCode = new HashMap<>();
    /** Constants that hold something else in the program. */
    private final Set<ElfSymbol> differing = new HashSet<>();

    private RunningUnit(final ObjectFile before, final TargetProgram target, final String file, final int occurrence) {
        this.before = before;
        this.target = target;
        this.file = file;
        this.occurrence = occurrence;
    }

    /**
     * Finds the unit in the program and checks that its code is the object's.
     *
     * @return empty if the unit was not linked into this program
     */
    static Optional<RunningUnit> find(final ObjectFile before, final TargetProgram target)
            throws ElfFormatException, PatchRefusedException {
        final String file = before.sourceFile()
                .orElseThrow(() -> new PatchRefusedException(
                        Refusal.NOT_THE_RUNNING_CODE, before.unit(), "the object does not name its source file"));
        final List<RunningUnit> exact = new ArrayList<>();
        PatchRefusedException refusal = null;
        final List<List<ElfSymbol>> linked = target.files(file);
        for (int i = 0; i < linked.size(); i++) {
            final RunningUnit unit = new RunningUnit(before, target, file, i);
            unit.bind(linked.get(i));
            try {
                unit.check();
                exact.add(unit);
            } catch (final PatchRefusedException e) {
                refusal = e;
            }
        }
        if (exact.isEmpty() && refusal != null) {
            throw refusal;
        }
        // A file of the same name fits as well if it shares nothing with this one: the one that has more is it.
        final int most =
                exact.stream().mapToInt(unit -> unit.symbols.size()).max().orElse(0);
        exact.removeIf(unit -> unit.symbols.size() < most);
        if (exact.stream().anyMatch(unit -> !unit.symbols.equals(exact.getFirst().symbols))) {
            throw new PatchRefusedException(
                    Refusal.AMBIGUOUS_SYMBOL, file, exact.size() + " linked files fit " + before.unit());
        }
        return exact.stream().findFirst();
    }

    private void bind(final List<ElfSymbol> locals) {
        final Map<String, List<ElfSymbol>> byName = new HashMap<>();
        for (final ElfSymbol local : locals) {
            byName.computeIfAbsent(local.name(), name -> new ArrayList<>()).add(local);
        }
        for (final ElfSymbol symbol : before.elf().symbols()) {
            if (symbol.name().isEmpty() || !isCodeOrData(symbol)) {
                continue;
            }
            // Several locals with one name keep their order; what is hidden may be among the locals of its file.
            final List<ElfSymbol> candidates = byName.getOrDefault(symbol.name(), List.of());
            final Optional<ElfSymbol> global = symbol.isLocal() ? Optional.empty() : target.global(symbol.name());
            if (global.isPresent()) {
                symbols.put(symbol, global.get());
            } else if (!candidates.isEmpty()) {
                symbols.put(symbol, candidates.removeFirst());
            } else if (!symbol.isLocal() && before.isOfGroup(symbol)) {
                // What several units have and is hidden may be among the locals of the one that the linker took it
                // from.
                target.onlyLocal(symbol.name()).ifPresent(found -> symbols.put(symbol, found));
            }
        }
    }

    /** Refuses to take for dropped by the linker what may only be hidden where it is not seen. */
    void refuseHidden(final ElfSymbol symbol) throws PatchRefusedException {
        if (!symbol.isLocal() && symbol(symbol).isEmpty() && target.hasLocal(symbol.name())) {
            throw new PatchRefusedException(
                    Refusal.AMBIGUOUS_SYMBOL,
                    symbol.name(),
                    "the program has a local symbol of this name, and nothing tells whether it is that of "
                            + before.unit());
        }
    }

    /**
     * The program's symbol for something that the object has after the change only: another unit has it too, as of inline
     * functions of C++, or it has moved here.
     */
    Optional<ElfSymbol> others(final ElfSymbol symbol, final boolean isOfGroup) {
        if (symbol.isLocal()) {
            return Optional.empty();
        }
        final Optional<ElfSymbol> global = target.global(symbol.name());
        return global.isPresent() || !isOfGroup ? global : target.onlyLocal(symbol.name());
    }

    /** Refuses a variable of another unit that is not what the object makes of it, and one that may be any of several. */
    void refuseOthers(final ObjectFile after, final ElfSymbol variable)
            throws ElfFormatException, PatchRefusedException {
        final boolean isOfGroup = after.isOfGroup(variable);
        final Optional<ElfSymbol> found = others(variable, isOfGroup);
        if (found.isEmpty()) {
            if (isOfGroup && !variable.isLocal() && target.hasLocal(variable.name())) {
                throw new PatchRefusedException(
                        Refusal.AMBIGUOUS_SYMBOL, variable.name(), "several of the program's files have it");
            }
            return;
        }
        final ElfSymbol running = found.get();
        final byte[] bytes = target.bytes(running).orElseGet(() -> new byte[(int) running.size()]);
        final boolean isCommon = variable.section() == Elf.SHN_COMMON;
        if (running.isFunction()
                || running.size() != variable.size()
                || !(isCommon || isSameContent(after, variable, bytes))) {
            throw new PatchRefusedException(
                    Refusal.CHANGED_VARIABLE, variable.name(), "the program has it from another file than " + file);
        }
    }

    private boolean isCodeOrData(final ElfSymbol symbol) {
        return before.isVariable(symbol) || before.functions().containsKey(symbol.name());
    }

    /** Rule 3: each function of the object is in the program, but for what assembler and linker fill in. */
    private void check() throws ElfFormatException, PatchRefusedException {
        for (final Code code : before.functions().values()) {
            final Optional<ElfSymbol> running = symbol(code.symbol());
            if (running.isEmpty()) {
                continue; // dropped by the linker, as nothing refers to it
            }
            final byte[] bytes = target.bytes(running.get())
                    .orElseThrow(() -> new PatchRefusedException(
                            Refusal.NOT_THE_RUNNING_CODE, code.name(), "not in the program's text"));
            linkedCode.put(code.name(), LinkedCode.of(before.unit(), code, bytes));
        }
        if (linkedCode.isEmpty() && !before.functions().isEmpty()) {
            throw new PatchRefusedException(
                    Refusal.NOT_THE_RUNNING_CODE, before.unit(), "none of its functions is in the program");
        }
        for (final Map.Entry<String, LinkedCode> each : linkedCode.entrySet()) {
            checkReferences(Objects.requireNonNull(before.functions().get(each.getKey())), each.getValue());
        }
        for (final ElfSymbol variable : before.variables()) {
            if (!before.isWritable(variable) && !hasSameContent(variable)) {
                differing.add(variable);
            }
        }
    }

    /**
     * That references lead to what was found for them: this tells files of one name apart, and finds what the linker was
     * told to put in the place of something.
     */
    private void checkReferences(final Code code, final LinkedCode linked) throws PatchRefusedException {
        final long address = symbol(code.symbol()).orElseThrow().value();
        for (final ElfRelocation relocation : code.relocations()) {
            if (before.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long offset)) {
                refuseMissing(code, symbol);
                final OptionalLong found = reference(linked, relocation, address);
                if (found.isPresent() && !leads(found.getAsLong(), symbol, offset, linked.isResized(relocation))) {
                    throw leadsElsewhere(code, symbol);
                }
            } else if (linked.isResized(relocation)) {
                throw leadsElsewhere(code, relocation.symbol());
            }
        }
    }

    /** The address that a reference has in the program; empty where that is not in the code. */
    private static OptionalLong reference(final LinkedCode linked, final ElfRelocation relocation, final long address) {
        if (linked.isRewritten(relocation)) {
            return OptionalLong.empty();
        }
        return switch (relocation.type()) {
            case Elf.R_X86_64_PC32, Elf.R_X86_64_PLT32 -> OptionalLong.of(address + linked.target(relocation));
            case Elf.R_X86_64_32S -> OptionalLong.of(linked.field(relocation));
            case Elf.R_X86_64_32 -> OptionalLong.of(Integer.toUnsignedLong(linked.field(relocation)));
            default ->
                linked.isDirect(relocation)
                        ? OptionalLong.of(address + linked.target(relocation))
                        : OptionalLong.empty();
        };
    }

    private void refuseMissing(final Code code, final ElfSymbol symbol) throws PatchRefusedException {
        if (isMissing(code, symbol)) {
            throw new PatchRefusedException(
                    Refusal.NOT_THE_RUNNING_CODE,
                    code.name(),
                    before.unit() + ": it refers to " + symbol.name()
                            + ", of which the program has no symbol: link without -x, or give the symbols by"
                            + " --debug");
        }
    }

    /**
     * Whether the program's symbols lack something of this unit; what its code refers to was not dropped by the linker. But
     * an inline function that several units have is one unit's in the program, with all that is local there.
     */
    private boolean isMissing(final Code code, final ElfSymbol symbol) {
        final boolean isOthers = symbol.isLocal() && code.section().has(Elf.SHF_GROUP);
        return isOwn(symbol) && symbol(symbol).isEmpty() && !isOthers;
    }

    private boolean isOwn(final ElfSymbol symbol) {
        return (symbol.isDefined() || symbol.section() == Elf.SHN_COMMON) && isCodeOrData(symbol);
    }

    private PatchRefusedException leadsElsewhere(final Code code, final ElfSymbol symbol) {
        return new PatchRefusedException(
                Refusal.NOT_THE_RUNNING_CODE,
                code.name(),
                before.unit() + ": its reference to " + symbol.name() + " leads elsewhere");
    }

    /**
     * Whether an address is that of a place of the object. Of what other files have too it is known by name only. Of a jump
     * that the assembler made a short one, it is the only sign of where it leads.
     */
    private boolean leads(final long found, final ElfSymbol symbol, final long offset, final boolean resized) {
        final Optional<ElfSymbol> own = symbol(symbol);
        if (own.isPresent() && leads(found - own.get().value(), symbol, offset)) {
            return true;
        }
        if (resized) {
            return false;
        }
        return symbol.isLocal() ? own.isEmpty() : target.mayBeAt(symbol.name(), found - offset);
    }

    /** Whether a place in the program, from a symbol's start, is one of the object. */
    private boolean leads(final long running, final ElfSymbol symbol, final long offset) {
        final LinkedCode function = linkedCode.get(symbol.name());
        return (function == null || offset == 0) ? running == offset : function.isAt(running, offset);
    }

    /**
     * Whether the program has what a constant holds. Distances between labels, as tables for computed jumps are of, are
     * others where code has moved, and no relocation tells.
     */
    private boolean hasSameContent(final ElfSymbol constant) throws ElfFormatException {
        final Optional<byte[]> bytes = symbol(constant).flatMap(target::bytes);
        return bytes.isEmpty() || isSameContent(before, constant, bytes.get());
    }

    private static boolean isSameContent(final ObjectFile object, final ElfSymbol variable, final byte[] running)
            throws ElfFormatException {
        final byte[] compiled = object.content(variable);
        if (running.length != compiled.length) {
            return false;
        }
        for (final ElfRelocation relocation : object.relocations(variable)) {
            final int at = (int) relocation.offset();
            final int end = Math.min(compiled.length, at + Relocations.width(relocation.type()));
            Arrays.fill(running, at, end, (byte) 0);
            Arrays.fill(compiled, at, end, (byte) 0);
        }
        return Arrays.equals(running, compiled);
    }

    /** Whether a constant that the object holds can be used as the program has it. */
    boolean has(final ElfSymbol constant) {
        return !differing.contains(constant);
    }

    /** Where a place in a function of the object is in that of the program, both from the function's start. */
    long place(final Code code, final long offset) {
        final LinkedCode linked = linkedCode.get(code.name());
        return linked == null ? offset : linked.place(offset);
    }

    ObjectFile before() {
        return before;
    }

    /** Which of the program's files of this name it is, from 0. */
    int occurrence() {
        return occurrence;
    }

    /**
     * The unit's name in patches: that of its source file, and where the program has several of this name also the
     * address of its first function. It comes from the program alone, so that whoever builds a patch for this program,
     * wherever the objects lie, uses the same.
     */
    String name() {
        if (target.files(file).size() == 1) {
            return file;
        }
        final OptionalLong first = symbols.entrySet().stream()
                .filter(bound -> before.functions().containsKey(bound.getKey().name())
                        && bound.getKey().binding() != Elf.STB_WEAK)
                .mapToLong(bound -> bound.getValue().value())
                .min();
        return file + "@" + (first.isPresent() ? Long.toHexString(first.getAsLong()) : String.valueOf(occurrence));
    }

    /** The program's symbol for one of the object; empty if the linker dropped it. */
    Optional<ElfSymbol> symbol(final ElfSymbol symbol) {
        return Optional.ofNullable(symbols.get(symbol));
    }
}

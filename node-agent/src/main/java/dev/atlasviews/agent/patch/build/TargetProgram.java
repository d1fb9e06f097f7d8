// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSegment;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The running program's file: its code, and what its symbols mean. */
public final class TargetProgram {
    private static final List<String> STACK_SWITCHING = List.of(
            "swapcontext", "makecontext", "setcontext", "jump_fcontext", "make_fcontext", "coro_transfer", "co_switch");
    /** What a program with exceptions has or imports; C has none of it, not even where it is linked statically. */
    private static final List<String> THROWING = List.of(
            "__gxx_personality_v0",
            "__cxa_throw",
            "rust_eh_personality",
            "__gnat_personality_v0",
            "__gnu_objc_personality_v0",
            "__gdc_personality_v0");

    /** Source file of what compilers link behind everything else. */
    private static final String LAST_FILE = "crtstuff.c";

    private static final int DT_SYMBOLIC = 16;
    private static final int DT_TEXTREL = 22;
    private static final int DT_FLAGS = 30;
    private static final int DF_SYMBOLIC = 2;
    private static final int DF_TEXTREL = 4;
    private static final int DT_FLAGS_1 = 0x6fff_fffb;
    private static final int DF_1_PIE = 0x0800_0000;

    private final String name;
    private final ElfFile binary;
    private final String buildId;
    private final Map<String, ElfSymbol> globals = new HashMap<>();
    private final Map<Long, List<ElfSymbol>> functions = new HashMap<>();
    private final Map<String, ElfSymbol> hidden = new HashMap<>();
    private final Map<String, List<ElfSymbol>> locals = new HashMap<>();
    private final Map<String, List<List<ElfSymbol>>> files = new LinkedHashMap<>();
    private final Map<String, ElfSymbol> stubs = new HashMap<>();
    private final Map<String, Long> callSlots = new HashMap<>();
    private final Map<String, Long> addressSlots = new HashMap<>();
    private final Set<String> exported;
    private final ThreadLocalSlots threadLocalSlots;
    private boolean isExecutable;
    private boolean isSymbolic;

    private TargetProgram(final String name, final ElfFile binary, final @Nullable ElfFile debug)
            throws ElfFormatException, PatchRefusedException {
        this.name = name;
        this.binary = binary;
        isExecutable = binary.type() == Elf.ET_EXEC
                || binary.segments().stream().anyMatch(segment -> segment.type() == Elf.PT_INTERP);
        if (binary.type() == Elf.ET_REL) {
            throw new ElfFormatException(name + ": not a program");
        }
        buildId = binary.buildId().orElseThrow(() -> new PatchRefusedException(Refusal.NO_BUILD_ID, name, ""));
        if (debug != null && !DebugFiles.isOf(binary, debug)) {
            throw new PatchRefusedException(
                    Refusal.WRONG_DEBUG_FILE,
                    name,
                    "build-id " + buildId + ", not " + debug.buildId().orElse("none") + ", and other code");
        }
        final List<ElfSymbol> symbols = debug != null ? debug.symbols() : binary.symbols();
        if (symbols.isEmpty()) {
            throw new PatchRefusedException(
                    Refusal.NO_SYMBOLS,
                    name,
                    "give by --debug the separate debug file with build-id " + buildId
                            + ", or the program as an identical build makes it, not stripped");
        }
        readSymbols(symbols);
        readSlots();
        exported = exportedSymbols();
        threadLocalSlots = ThreadLocalSlots.of(binary);
        readDynamic();
    }

    /**
     * Reads what is needed of a program.
     *
     * @param name its file name, for people
     * @param debug if it is stripped: its separate debug file, or what an identical build has made
     * @throws PatchRefusedException if it lacks build-id or symbols
     */
    public static TargetProgram of(final String name, final ElfFile binary, final @Nullable ElfFile debug)
            throws ElfFormatException, PatchRefusedException {
        return new TargetProgram(name, binary, debug);
    }

    private void readSymbols(final List<ElfSymbol> symbols) {
        for (final ElfSymbol symbol : symbols) {
            if (symbol.isDefined() && symbol.isFunction()) {
                functions
                        .computeIfAbsent(symbol.value(), address -> new ArrayList<>())
                        .add(symbol);
            }
        }
        List<ElfSymbol> file = new ArrayList<>();
        final ElfSymbol last = symbols.stream()
                .filter(symbol -> symbol.type() == Elf.STT_FILE)
                .reduce((first, second) -> second)
                .orElse(null);
        boolean behindAllFiles = false;
        for (final ElfSymbol symbol : symbols) {
            if (symbol.type() == Elf.STT_FILE) {
                // Gold says no end of the last file, which is the compiler's own, with nothing that another could mean.
                behindAllFiles = symbol.name().isEmpty()
                        || (symbol.equals(last) && symbol.name().equals(LAST_FILE));
                file = new ArrayList<>();
                files.computeIfAbsent(symbol.name(), key -> new ArrayList<>()).add(file);
            } else if (symbol.isLocal()) {
                locals.computeIfAbsent(symbol.name(), name -> new ArrayList<>()).add(symbol);
                file.add(symbol);
                if (behindAllFiles) {
                    hidden.putIfAbsent(symbol.name(), symbol);
                }
            } else if (symbol.isDefined()) {
                addGlobal(symbol);
            } else if (symbol.value() != 0) {
                stubs.put(withoutVersion(symbol.name()), symbol);
            }
        }
    }

    /** Of several versions of one name, who names none means the default one. */
    private void addGlobal(final ElfSymbol symbol) {
        final String plain = withoutVersion(symbol.name());
        if (symbol.name().equals(plain) || symbol.name().contains("@@")) {
            globals.put(plain, symbol);
        } else {
            globals.putIfAbsent(plain, symbol);
        }
    }

    /** A symbol's name without the version that a linker appends to it. */
    static String withoutVersion(final String symbol) {
        final int version = symbol.indexOf('@');
        return version < 0 ? symbol : symbol.substring(0, version);
    }

    private void readSlots() throws ElfFormatException {
        for (final ElfRelocation relocation : binary.dynamicRelocations()) {
            if (relocation.type() == Elf.R_X86_64_JUMP_SLOT) {
                callSlots.put(relocation.symbol().name(), relocation.offset());
            } else if (relocation.type() == Elf.R_X86_64_GLOB_DAT) {
                addressSlots.put(relocation.symbol().name(), relocation.offset());
            }
        }
    }

    /** Without those of a version that is there for old programs only: who names no version never means one. */
    private Set<String> exportedSymbols() {
        return binary.dynamicSymbols().stream()
                .filter(symbol -> symbol.isDefined() && !symbol.isLocal() && symbol.visibility() == Elf.STV_DEFAULT)
                .map(ElfSymbol::name)
                .filter(symbol ->
                        global(symbol).filter(TargetProgram::isDefaultVersion).isPresent())
                .collect(Collectors.toUnmodifiableSet());
    }

    private static boolean isDefaultVersion(final ElfSymbol global) {
        return global.name().contains("@@") || !global.name().contains("@");
    }

    private void readDynamic() throws PatchRefusedException {
        final byte[] dynamic = binary.section(".dynamic").map(binary::content).orElse(new byte[0]);
        final ByteBuffer entries = ByteBuffer.wrap(dynamic).order(ByteOrder.LITTLE_ENDIAN);
        while (entries.remaining() >= 16) {
            final long tag = entries.getLong();
            final long value = entries.getLong();
            isExecutable |= tag == DT_FLAGS_1 && (value & DF_1_PIE) != 0;
            isSymbolic |= tag == DT_SYMBOLIC || (tag == DT_FLAGS && (value & DF_SYMBOLIC) != 0);
            if (tag == DT_TEXTREL || (tag == DT_FLAGS && (value & DF_TEXTREL) != 0)) {
                throw new PatchRefusedException(Refusal.TEXT_RELOCATIONS, name, "");
            }
        }
    }

    /** Refuses programs whose stacks no unwinder sees, unless their author allows it. */
    void refuseHiddenStacks() throws PatchRefusedException {
        final Optional<String> symbol = hiddenStacks();
        if (symbol.isPresent()) {
            throw new PatchRefusedException(Refusal.HIDDEN_STACKS, symbol.get(), name);
        }
    }

    /** By what one sees that the program switches stacks by itself; empty if not. */
    Optional<String> hiddenStacks() {
        return firstUsed(STACK_SWITCHING);
    }

    /** By what one sees that exceptions may be thrown in the program; empty if not. */
    Optional<String> exceptionSymbol() {
        return imports("_Unwind_RaiseException") ? Optional.of("_Unwind_RaiseException") : firstUsed(THROWING);
    }

    /** Refuses to carry tables for a program with an unwinder inside, which does not ask where others are asked. */
    void refuseOwnUnwinder(final String function) throws PatchRefusedException {
        for (final String symbol : List.of("_Unwind_Find_FDE", "_Unwind_RaiseException")) {
            if (global(symbol).isPresent()) {
                throw new PatchRefusedException(
                        Refusal.EXCEPTIONS,
                        function,
                        name + " has an unwinder of its own (" + symbol + "), as -static-libgcc and -static give it");
            }
        }
    }

    private Optional<String> firstUsed(final List<String> symbols) {
        return symbols.stream()
                .filter(symbol -> imports(symbol) || global(symbol).isPresent())
                .findFirst();
    }

    /** Refuses languages whose runtime moves stacks or code. */
    void refuseOtherLanguages() throws PatchRefusedException {
        if (binary.section(".gopclntab").isPresent() || globals.containsKey("runtime.goexit")) {
            throw new PatchRefusedException(Refusal.UNSUPPORTED_LANGUAGE, name, "Go");
        }
    }

    String name() {
        return name;
    }

    String buildId() {
        return buildId;
    }

    boolean isPositionIndependent() {
        return binary.type() == Elf.ET_DYN;
    }

    boolean isDynamic() {
        return !binary.dynamicSymbols().isEmpty();
    }

    /** The local symbols of each linked object with this source file name, in link order. */
    List<List<ElfSymbol>> files(final String sourceFile) {
        return files.getOrDefault(sourceFile, List.of());
    }

    /** A symbol that all of the program's objects see. */
    Optional<ElfSymbol> global(final String symbol) {
        final ElfSymbol global = globals.get(symbol);
        if (global != null) {
            return Optional.of(global);
        }
        // Global in its object but hidden: the linker makes it local, behind all files.
        return Optional.ofNullable(hidden.get(symbol));
    }

    /** Whether any of the program's files has a local symbol of this name, or a hidden one that became local. */
    boolean hasLocal(final String symbol) {
        return locals.containsKey(symbol);
    }

    /** The program's local symbol of this name, if it has no other. */
    Optional<ElfSymbol> onlyLocal(final String symbol) {
        final List<ElfSymbol> found = locals.getOrDefault(symbol, List.of());
        return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
    }

    /** A library function's address as a program at a fixed address knows it: that of its own stub (psABI 4.4.1). */
    Optional<ElfSymbol> stub(final String symbol) {
        return Optional.ofNullable(stubs.get(symbol));
    }

    /** Whether the program has a function or variable that all of an object's and the program's files see. */
    boolean defines(final ElfSymbol symbol) {
        return symbol.isDefined() && !symbol.isLocal() && global(symbol.name()).isPresent();
    }

    /** Link-time address of the program's own slot through which it calls a library's function. */
    OptionalLong callSlot(final String symbol) {
        final Long slot = callSlots.containsKey(symbol) ? callSlots.get(symbol) : addressSlots.get(symbol);
        return slot == null ? OptionalLong.empty() : OptionalLong.of(slot);
    }

    /** Link-time address of the program's own slot that holds a library symbol's address from the start. */
    OptionalLong addressSlot(final String symbol) {
        final Long slot = addressSlots.get(symbol);
        return slot == null ? OptionalLong.empty() : OptionalLong.of(slot);
    }

    /** The slots for thread-local variables. */
    ThreadLocalSlots threadLocalSlots() {
        return threadLocalSlots;
    }

    /** Whether this is a library, whose thread-local variables have no fixed distance from the thread pointer. */
    boolean isLibrary() {
        return isPositionIndependent() && !isExecutable;
    }

    /** Whether the program itself refers to this symbol of a library. */
    boolean imports(final String symbol) {
        return binary.dynamicSymbols().stream()
                .anyMatch(candidate ->
                        candidate.section() == Elf.SHN_UNDEF && candidate.name().equals(symbol));
    }

    /**
     * Whether this is a library that defines a symbol for others too, as far as it says itself: then another definition, as
     * the program's or its copy of a variable, may be the one that is meant in the library as well.
     */
    boolean exports(final String symbol) {
        return isLibrary() && !isSymbolic && exported.contains(symbol);
    }

    /** All functions at an address. */
    List<ElfSymbol> functionsAt(final long address) {
        return functions.getOrDefault(address, List.of());
    }

    /**
     * Whether a reference to a symbol that files share may lead to an address: to the symbol, or to a place without one,
     * such as a stub in the PLT.
     */
    boolean mayBeAt(final String symbol, final long address) {
        final Optional<ElfSymbol> global = global(symbol);
        final List<ElfSymbol> found = functionsAt(address);
        if (global.isPresent() && global.get().value() == address) {
            return true;
        }
        if (!found.isEmpty()) {
            return found.stream()
                    .anyMatch(function -> withoutVersion(function.name()).equals(symbol));
        }
        return isLibrary() || global.isEmpty() || global.get().type() == Elf.STT_GNU_IFUNC;
    }

    /** The program's bytes at a symbol; empty if the symbol is not in its text. */
    Optional<byte[]> bytes(final ElfSymbol symbol) {
        return binary.bytesAt(symbol.value(), symbol.size());
    }

    /**
     * Refuses the use of a variable that lies where new code, with instructions that want it aligned, may not use it:
     * compilers align variables by what they make of the code that uses them.
     */
    void refuseUnaligned(final ElfSymbol variable, final long alignment) throws PatchRefusedException {
        final boolean isBlockAligned = variable.type() != Elf.STT_TLS
                || Math.max(1, threadLocalBlock(variable).alignment()) % alignment == 0;
        if (variable.value() % alignment != 0 || !isBlockAligned) {
            throw new PatchRefusedException(
                    Refusal.CHANGED_VARIABLE,
                    variable.name(),
                    "new code wants it at a multiple of " + alignment + ", where it is not in the program");
        }
    }

    private ElfSegment threadLocalBlock(final ElfSymbol variable) throws PatchRefusedException {
        return binary.segments().stream()
                .filter(segment -> segment.type() == Elf.PT_TLS)
                .findFirst()
                .orElseThrow(() -> new PatchRefusedException(Refusal.TLS_MODEL, variable.name(), name));
    }

    /** A thread-local variable's offset from the thread pointer (psABI, variant II of thread-local storage). */
    long threadPointerOffset(final ElfSymbol variable) throws PatchRefusedException {
        final ElfSegment block = threadLocalBlock(variable);
        final long alignment = Math.max(1, block.alignment());
        return variable.value() - (block.memorySize() + alignment - 1) / alignment * alignment;
    }
}

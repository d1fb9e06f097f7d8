// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A changed translation unit: its difference, where it is in the running program, and the functions to take over. */
final class PatchUnit {
    private final UnitDiff diff;
    private final RunningUnit running;
    /** By section, so that two names of one function are one. */
    private final Map<Integer, Code> taken = new LinkedHashMap<>();

    PatchUnit(final UnitDiff diff, final RunningUnit running) {
        this.diff = diff;
        this.running = running;
        take();
    }

    /** Changed functions, and what they and nothing in the running program needs. */
    private void take() {
        final Deque<String> families = new ArrayDeque<>(diff.changed());
        families.addAll(diff.added());
        while (!families.isEmpty()) {
            final String family = families.remove();
            for (final Code code : after().functions().values()) {
                if (code.family().equals(family)
                        && othersFunction(family).isEmpty()
                        && taken.putIfAbsent(code.section().index(), code) == null) {
                    for (final ElfRelocation relocation : code.relocations()) {
                        if (after().place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long _)
                                && after().functions().containsKey(symbol.name())
                                && meantFunction(symbol).isEmpty()) {
                            families.add(after().functions().get(symbol.name()).family());
                        }
                    }
                }
            }
        }
    }

    /** Its name in the patch, see {@link RunningUnit#name}. */
    String name() {
        return running.name();
    }

    UnitDiff diff() {
        return diff;
    }

    ObjectFile after() {
        return diff.after();
    }

    RunningUnit running() {
        return running;
    }

    /** The functions that the patch carries, in the order of the object. */
    Iterable<Code> taken() {
        return taken.values();
    }

    /**
     * The functions that the patch carries, under every name: two that have become one are still two where they were
     * called before.
     */
    List<Code> takenNames() {
        return after().functions().values().stream()
                .filter(code -> taken.containsKey(code.section().index()))
                .filter(code -> code.equals(taken.get(code.section().index())) || isReplaced(code))
                .toList();
    }

    /** Whether a further name of a function had code of its own in the program. */
    private boolean isReplaced(final Code code) {
        final Code first = Objects.requireNonNull(taken.get(code.section().index()));
        final Optional<ElfSymbol> running = runningFunction(code.symbol());
        return running.isPresent()
                && runningFunction(first.symbol())
                        .filter(same -> same.value() == running.get().value())
                        .isEmpty();
    }

    /** Whether the patch carries the code that a symbol names. */
    boolean isTaken(final ElfSymbol symbol) {
        return taken.containsKey(symbol.section());
    }

    /** The running program's function for a function of the new object, by name. */
    Optional<ElfSymbol> runningFunction(final ElfSymbol function) {
        final Code old = diff.before().functions().get(function.name());
        return old == null ? Optional.empty() : running.symbol(old.symbol());
    }

    /** The program's function for an inline function that this unit has after the change only. */
    private Optional<ElfSymbol> othersFunction(final String name) {
        final Code code = after().functions().get(name);
        return code != null
                        && after().isOfGroup(code.symbol())
                        && !diff.before().functions().containsKey(name)
                ? running.others(code.symbol(), true)
                : Optional.empty();
    }

    /** The program's function that a reference to a function of the new object leads to; empty if the patch has it. */
    Optional<ElfSymbol> meantFunction(final ElfSymbol function) {
        final Optional<ElfSymbol> own = runningFunction(function);
        return own.isPresent() ? own : othersFunction(function.name());
    }

    /**
     * The running program's variable for a variable of the new object: empty if it is new, if it is a constant that
     * differs, or if the linker dropped it.
     */
    Optional<ElfSymbol> runningVariable(final ElfSymbol variable) {
        final ElfSymbol old = diff.variables().get(variable);
        if (old == null) {
            return running.others(variable, after().isOfGroup(variable));
        }
        return diff.differing().contains(variable) || (old.isLocal() && !running.has(old))
                ? Optional.empty()
                : running.symbol(old);
    }

    /** Where a place in a function is that is meant: the new body's, or the running one's, from its start. */
    long offset(final ElfSymbol function, final long offset) {
        final Code old = diff.before().functions().get(function.name());
        return old == null || isTaken(function) ? offset : running.place(old, offset);
    }

    /** What other units can mean by a global name: a function or variable that this unit adds. */
    Optional<ElfSymbol> definition(final String name) {
        return after().elf().symbols().stream()
                .filter(symbol -> symbol.name().equals(name)
                        && !symbol.isLocal()
                        && (symbol.isDefined() || symbol.section() == Elf.SHN_COMMON))
                .findFirst();
    }
}

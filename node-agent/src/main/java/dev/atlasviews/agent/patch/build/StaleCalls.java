// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Rules 2 and 5: code that goes on in another view than its own calls functions of the other build. Within one unit that
 * is not sound, whether the function is static or not: compilers pass arguments and use registers as both sides know
 * (IPA-RA, IPA-SRA), and keep what they know that the function does not change; what they know of a function includes what
 * it calls. Between units it is sound while parameters and result stay.
 */
final class StaleCalls {
    private static final int GROUP_5 = 0xff;
    private static final int RELATIVE_FIELD = 4;

    private final List<PatchUnit> units;
    private final IdentityHashMap<ObjectFile, Prototypes> prototypes = new IdentityHashMap<>();
    private final Map<List<Object>, Set<Integer>> replaced = new HashMap<>();

    StaleCalls(final List<PatchUnit> units) {
        this.units = List.copyOf(units);
    }

    /** From which side of the change code is. */
    private enum Side {
        BEFORE,
        AFTER;

        ObjectFile object(final PatchUnit unit) {
            return this == BEFORE ? unit.diff().before() : unit.after();
        }

        ObjectFile other(final PatchUnit unit) {
            return this == BEFORE ? unit.after() : unit.diff().before();
        }
    }

    /** The code that a function leads to, on one side. */
    private record Walk(Side side, String function, Set<Code> seen) {
        String call(final Code caller, final Code callee) {
            return "it calls "
                    + callee.name()
                    + (caller.family().equals(function) ? "" : " through " + caller.family());
        }
    }

    /**
     * Why neither body of a function may run in the other's view; null if they may. A thread that stays in a function
     * does this: in the old body when it moves to the patched view, in the new one when it moves back.
     */
    @Nullable
    String of(final PatchUnit unit, final String function) throws ElfFormatException {
        final String old = of(unit, Side.BEFORE, function);
        return old != null ? old : of(unit, Side.AFTER, function);
    }

    /** The same for a function that only the running program has. */
    @Nullable
    String ofOld(final PatchUnit unit, final String function) throws ElfFormatException {
        return of(unit, Side.BEFORE, function);
    }

    private @Nullable String of(final PatchUnit unit, final Side side, final String function)
            throws ElfFormatException {
        return of(unit, new Walk(side, function, Collections.newSetFromMap(new IdentityHashMap<>())), function);
    }

    /** All parts of a function. */
    private @Nullable String of(final PatchUnit unit, final Walk walk, final String function)
            throws ElfFormatException {
        for (final Code code : walk.side().object(unit).parts(function)) {
            final String why = walk.seen().add(code) ? of(unit, walk, code) : null;
            if (why != null) {
                return why;
            }
        }
        return null;
    }

    private @Nullable String of(final PatchUnit unit, final Walk walk, final Code code) throws ElfFormatException {
        for (final ElfSymbol symbol : called(walk.side().object(unit), code)) {
            final Code own = walk.side().object(unit).functions().get(symbol.name());
            if (own != null) {
                // The parts of one function go together, entered from within and not by its entry.
                final boolean inside = own.isColdPart() && own.family().equals(code.family());
                final String why = inside ? null : ofCallWithin(unit, walk, code, own);
                if (why != null) {
                    return why;
                }
                continue;
            }
            for (final PatchUnit other : units) {
                final Code foreign = walk.side().object(other).functions().get(symbol.name());
                final String why =
                        foreign == null || foreign.symbol().isLocal() ? null : ofCallOut(other, walk, code, foreign);
                if (why != null) {
                    return why;
                }
            }
        }
        return null;
    }

    /** What is not replaced is gone through: what a compiler knows of it is also what it knows of its callees. */
    private @Nullable String ofCallWithin(final PatchUnit unit, final Walk walk, final Code caller, final Code code)
            throws ElfFormatException {
        return isReplaced(unit, walk.side(), code)
                ? walk.call(caller, code)
                        + ", which is replaced as well: they are compiled with knowledge of each other"
                : of(unit, walk, code.family());
    }

    private @Nullable String ofCallOut(final PatchUnit unit, final Walk walk, final Code caller, final Code code)
            throws ElfFormatException {
        if (isReplaced(unit, walk.side(), code)) {
            return prototypes(unit.diff().before()).isSame(code.name(), prototypes(unit.after()))
                    ? null
                    : walk.call(caller, code) + ", whose parameters or result change";
        }
        // What only one side has comes along with the code that calls it.
        return walk.side().other(unit).functions().containsKey(code.name()) ? null : of(unit, walk, code.family());
    }

    private boolean isReplaced(final PatchUnit unit, final Side side, final Code code) {
        return replaced.computeIfAbsent(List.of(unit, side), key -> sections(unit, side))
                .contains(code.section().index());
    }

    /** The sections of one side's replaced functions: a function may have several names. */
    private static Set<Integer> sections(final PatchUnit unit, final Side side) {
        final Set<Integer> sections = new HashSet<>();
        for (final Code code : unit.after().functions().values()) {
            final Code old = unit.diff().before().functions().get(code.name());
            if (old != null && unit.isTaken(code.symbol())) {
                sections.add((side == Side.BEFORE ? old : code).section().index());
            }
        }
        return sections;
    }

    private Prototypes prototypes(final ObjectFile object) throws ElfFormatException {
        final Prototypes known = prototypes.get(object);
        if (known != null) {
            return known;
        }
        final Prototypes read = Prototypes.of(object);
        prototypes.put(object, read);
        return read;
    }

    /** What code calls, or ends by jumping to; what it calls through pointers is not in question, as they keep to the ABI. */
    private static List<ElfSymbol> called(final ObjectFile object, final Code code) {
        final List<ElfSymbol> called = new ArrayList<>();
        final Set<Integer> linked = new HashSet<>();
        for (final ElfRelocation relocation : code.relocations()) {
            final Instruction instruction = code.instructionAt(relocation.offset());
            linked.add(instruction.start());
            if ((instruction.isTransfer() || instruction.opcode() == GROUP_5)
                    && relocation.offset() == instruction.end() - RELATIVE_FIELD
                    && object.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long offset)
                    && offset == 0) {
                called.add(symbol);
            }
        }
        for (final Instruction instruction : code.instructions()) {
            if (instruction.isTransfer() && instruction.target() == 0 && !linked.contains(instruction.start())) {
                called.add(code.symbol());
            }
        }
        return called;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
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
 * (IPA-RA, IPA-SRA), and keep what they know that the function does not change. Between units it is sound while
 * parameters and result stay.
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
        final Set<Code> seen = new HashSet<>();
        for (final Code code : side.object(unit).functions().values()) {
            final String why = code.family().equals(function) ? of(unit, side, code, seen) : null;
            if (why != null) {
                return why;
            }
        }
        return null;
    }

    private @Nullable String of(final PatchUnit unit, final Side side, final Code code, final Set<Code> seen)
            throws ElfFormatException {
        if (!seen.add(code)) {
            return null;
        }
        for (final ElfSymbol symbol : called(side.object(unit), code)) {
            final Code own = side.object(unit).functions().get(symbol.name());
            if (own != null) {
                // The parts of one function go together, entered from within and not by its entry.
                final boolean inside = own.isColdPart() && own.family().equals(code.family());
                final String why = inside ? null : called(unit, side, own, true, seen);
                if (why != null) {
                    return why;
                }
                continue;
            }
            for (final PatchUnit other : units) {
                final Code foreign = side.object(other).functions().get(symbol.name());
                final String why = foreign == null || foreign.symbol().isLocal()
                        ? null
                        : called(other, side, foreign, false, seen);
                if (why != null) {
                    return why;
                }
            }
        }
        return null;
    }

    private @Nullable String called(
            final PatchUnit unit, final Side side, final Code code, final boolean sameUnit, final Set<Code> seen)
            throws ElfFormatException {
        if (isReplaced(unit, side, code)) {
            if (sameUnit) {
                return "it calls " + code.name()
                        + ", which is replaced as well: they are compiled with knowledge of each other";
            }
            return prototypes(unit.diff().before()).isSame(code.name(), prototypes(unit.after()))
                    ? null
                    : "it calls " + code.name() + ", whose parameters or result change";
        }
        // What only one side has comes along with the code that calls it.
        return side.other(unit).functions().containsKey(code.name()) ? null : of(unit, side, code, seen);
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
            if ((isTransfer(instruction) || instruction.opcode() == GROUP_5)
                    && relocation.offset() == instruction.end() - RELATIVE_FIELD
                    && object.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long offset)
                    && offset == 0) {
                called.add(symbol);
            }
        }
        for (final Instruction instruction : code.instructions()) {
            if (isTransfer(instruction) && instruction.target() == 0 && !linked.contains(instruction.start())) {
                called.add(code.symbol());
            }
        }
        return called;
    }

    private static boolean isTransfer(final Instruction instruction) {
        return instruction.flow() == Instruction.Flow.CALL || instruction.flow() == Instruction.Flow.BRANCH;
    }
}

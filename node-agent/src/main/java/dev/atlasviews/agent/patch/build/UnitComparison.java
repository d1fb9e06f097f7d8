// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSection;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToLongFunction;

/**
 * Compares a translation unit before and after a change by what its code means: bytes, and what each relocation points
 * to. Order of sections, names of local labels, numbers of static variables and source line numbers mean nothing.
 */
final class UnitComparison {
    private final ObjectFile before;
    private final ObjectFile after;
    private final Map<ElfSymbol, ElfSymbol> variables;
    private final Set<List<Object>> comparing = new HashSet<>();

    private UnitComparison(final ObjectFile before, final ObjectFile after)
            throws ElfFormatException, PatchRefusedException {
        this.before = before;
        this.after = after;
        this.variables = VariablePairing.of(before, after);
    }

    /** Finds what changed, or refuses. */
    static UnitDiff compare(final ObjectFile before, final ObjectFile after)
            throws ElfFormatException, PatchRefusedException {
        return new UnitComparison(before, after).compare();
    }

    private UnitDiff compare() throws ElfFormatException, PatchRefusedException {
        compareConstructors();
        compareLooseCode();
        final Set<ElfSymbol> differing = compareVariables();
        final Set<String> changed = new TreeSet<>();
        final Set<String> added = new TreeSet<>();
        for (final Code code : after.functions().values()) {
            final Code old = before.functions().get(code.name());
            if (Constructors.isCompilerMade(code)) {
                continue; // runs at start or exit only, and is what it was
            }
            if (old == null) {
                (before.functions().containsKey(code.family()) ? changed : added).add(code.family());
            } else if (!sameCode(old, code)) {
                changed.add(code.family());
            }
        }
        for (final Code old : before.functions().values()) {
            if (old.isColdPart()
                    && !after.functions().containsKey(old.name())
                    && after.functions().containsKey(old.family())) {
                changed.add(old.family());
            }
        }
        CodeLabels.refuse(before, after, changed, variables, differing);
        return new UnitDiff(before, after, changed, added, variables, differing);
    }

    private Set<ElfSymbol> compareVariables() throws ElfFormatException, PatchRefusedException {
        final Set<ElfSymbol> differing = new LinkedHashSet<>();
        for (final ElfSymbol variable : after.variables()) {
            final ElfSymbol old = variables.get(variable);
            if (old == null) {
                if (variable.type() == Elf.STT_TLS) {
                    throw new PatchRefusedException(Refusal.NEW_TLS_VARIABLE, variable.name(), after.unit());
                }
                refuseInSet(after, variable);
            } else if (!sameVariable(old, variable)) {
                if (after.isWritable(variable) || before.isWritable(old) || !variable.isLocal()) {
                    throw new PatchRefusedException(Refusal.CHANGED_VARIABLE, variable.name(), after.unit());
                }
                refuseInSet(after, variable);
                differing.add(variable);
            }
        }
        final Set<ElfSymbol> kept = new HashSet<>(variables.values());
        for (final ElfSymbol old : before.variables()) {
            if (!kept.contains(old)) {
                refuseInSet(before, old);
            }
        }
        return differing;
    }

    /** Refuses another entry of what a linker gathers from all objects: who goes through it finds the program's only. */
    private static void refuseInSet(final ObjectFile object, final ElfSymbol variable) throws PatchRefusedException {
        if (object.isInSet(variable)) {
            throw new PatchRefusedException(
                    Refusal.CHANGED_VARIABLE,
                    variable.name(),
                    "in the section " + object.section(variable).name() + ", which the program has gathered");
        }
    }

    /** What runs at start has run and what runs at exit will run old, whether it is new, gone or another. */
    private void compareConstructors() throws ElfFormatException, PatchRefusedException {
        final List<Constructors.Entry> olds = Constructors.of(before);
        final List<Constructors.Entry> news = Constructors.of(after);
        for (int i = 0; i < Math.max(olds.size(), news.size()); i++) {
            if (i >= olds.size() || i >= news.size() || !sameConstructor(olds.get(i), news.get(i))) {
                throw changedConstructor((i < news.size() ? news : olds).get(i).name());
            }
        }
        final List<Code> then = Constructors.compilerMade(before);
        final List<Code> now = Constructors.compilerMade(after);
        for (int i = 0; i < Math.max(then.size(), now.size()); i++) {
            if (i >= then.size() || i >= now.size() || !sameCode(then.get(i), now.get(i))) {
                throw changedConstructor((i < now.size() ? now : then).get(i).name());
            }
        }
    }

    private boolean sameConstructor(final Constructors.Entry old, final Constructors.Entry now)
            throws ElfFormatException {
        return old.table().equals(now.table())
                && ((old.isCompilerMade() && now.isCompilerMade())
                        || (samePlace(old.place(), now.place())
                                && (old.code() == null || now.code() == null || sameCode(old.code(), now.code()))));
    }

    /** What is in no function can not be replaced, as nothing says where it ends. */
    private void compareLooseCode() throws ElfFormatException, PatchRefusedException {
        final Map<String, List<LooseCode>> olds = LooseCode.of(before);
        final Map<String, List<LooseCode>> news = LooseCode.of(after);
        final Set<String> sections = new TreeSet<>(olds.keySet());
        sections.addAll(news.keySet());
        for (final String section : sections) {
            final List<LooseCode> then = olds.getOrDefault(section, List.of());
            final List<LooseCode> now = news.getOrDefault(section, List.of());
            for (int i = 0; i < Math.max(then.size(), now.size()); i++) {
                if (i >= then.size() || i >= now.size() || !sameLooseCode(then.get(i), now.get(i))) {
                    throw new PatchRefusedException(
                            Refusal.CODE_WITHOUT_SYMBOL,
                            (i < now.size() ? now : then).get(i).name(),
                            after.unit());
                }
            }
        }
    }

    private boolean sameLooseCode(final LooseCode old, final LooseCode now) throws ElfFormatException {
        return Arrays.equals(old.bytes(), now.bytes())
                && sameReferences(old.relocations(), now.relocations(), UnitComparison::bias);
    }

    /** As of an instruction that ends with its field: where others end is not known of code that may be data. */
    private static long bias(final ElfRelocation relocation) {
        return Relocations.isRelative(relocation.type()) ? Integer.BYTES : 0;
    }

    private PatchRefusedException changedConstructor(final String what) {
        return new PatchRefusedException(Refusal.CHANGED_CONSTRUCTOR, after.unit(), what);
    }

    private boolean sameVariable(final ElfSymbol old, final ElfSymbol now) throws ElfFormatException {
        return old.size() == now.size()
                && old.type() == now.type()
                && before.isWritable(old) == after.isWritable(now)
                && Arrays.equals(before.content(old), after.content(now))
                && sameReferences(before.relocations(old), after.relocations(now));
    }

    private boolean sameReferences(final List<ElfRelocation> olds, final List<ElfRelocation> news)
            throws ElfFormatException {
        return sameReferences(olds, news, _ -> 0);
    }

    private boolean sameReferences(
            final List<ElfRelocation> olds, final List<ElfRelocation> news, final ToLongFunction<ElfRelocation> bias)
            throws ElfFormatException {
        if (olds.size() != news.size()) {
            return false;
        }
        for (int i = 0; i < olds.size(); i++) {
            final ElfRelocation old = olds.get(i);
            final ElfRelocation now = news.get(i);
            if (old.offset() != now.offset()
                    || old.type() != now.type()
                    || !samePlace(before.place(old, bias.applyAsLong(old)), after.place(now, bias.applyAsLong(now)))) {
                return false;
            }
        }
        return true;
    }

    private boolean sameCode(final Code old, final Code now) throws ElfFormatException {
        if (old.bytes().length != now.bytes().length
                || old.symbol().type() != now.symbol().type()
                || old.relocations().size() != now.relocations().size()
                || !sameBytes(old, now)
                || !sameHandlers(old, now)) {
            return false;
        }
        for (int i = 0; i < old.relocations().size(); i++) {
            final ElfRelocation then = old.relocations().get(i);
            final ElfRelocation here = now.relocations().get(i);
            if (then.offset() != here.offset()
                    || then.type() != here.type()
                    || !samePlace(before.place(old, then), after.place(now, here))) {
                return false;
            }
        }
        return true;
    }

    /** What is caught stands in a table beside the code. */
    private boolean sameHandlers(final Code old, final Code now) throws ElfFormatException {
        final Optional<ElfRelocation> then = before.unwindTables().frame(old).flatMap(UnwindTables.Frame::handlers);
        final Optional<ElfRelocation> here = after.unwindTables().frame(now).flatMap(UnwindTables.Frame::handlers);
        if (then.isEmpty() || here.isEmpty()) {
            return then.isEmpty() && here.isEmpty();
        }
        final Place.Anonymous olds = UnwindTables.place(before, then.get());
        final Place.Anonymous news = UnwindTables.place(after, here.get());
        return olds.offset() == news.offset() && sameSection(olds.section(), news.section());
    }

    private boolean sameBytes(final Code old, final Code now) {
        for (int at = Arrays.mismatch(old.bytes(), now.bytes()); at >= 0; ) {
            final Instruction instruction = now.instructionAt(at);
            if (!instruction.equals(old.instructionAt(at)) || !isLineNumber(old, now, instruction, at)) {
                return false;
            }
            final int from = instruction.end();
            final int next =
                    Arrays.mismatch(old.bytes(), from, old.bytes().length, now.bytes(), from, now.bytes().length);
            at = next < 0 ? -1 : from + next;
        }
        return true;
    }

    private boolean isLineNumber(final Code old, final Code now, final Instruction instruction, final int at) {
        return at >= instruction.immediate()
                && LineNumbers.isPassed(before, old, instruction)
                && LineNumbers.isPassed(after, now, instruction);
    }

    private boolean samePlace(final Place old, final Place now) throws ElfFormatException {
        if (old instanceof Place.Named(final ElfSymbol oldSymbol, final long oldOffset)
                && now instanceof Place.Named(final ElfSymbol newSymbol, final long newOffset)) {
            return oldOffset == newOffset && sameSymbol(oldSymbol, newSymbol);
        }
        return old instanceof final Place.Anonymous then
                && now instanceof final Place.Anonymous here
                && sameConstant(then, here);
    }

    private boolean sameSymbol(final ElfSymbol old, final ElfSymbol now) throws ElfFormatException {
        if (!after.isVariable(now)) {
            return old.name().equals(now.name()) && old.isDefined() == now.isDefined();
        }
        if (!old.equals(variables.get(now))) {
            return false;
        }
        return after.isWritable(now)
                || !comparing.add(List.of(old, now))
                || finish(List.of(old, now), sameVariable(old, now));
    }

    private boolean sameConstant(final Place.Anonymous then, final Place.Anonymous here) throws ElfFormatException {
        final ElfSection old = then.section();
        final ElfSection now = here.section();
        if (old.flags() != now.flags() || old.entrySize() != now.entrySize()) {
            return false;
        }
        if (now.has(Elf.SHF_MERGE)) {
            return Constants.sameElement(before, then, after, here);
        }
        return then.offset() == here.offset()
                && (!comparing.add(List.of(old, now)) || finish(List.of(old, now), sameSection(old, now)));
    }

    /** Ends the comparison of two things that may refer to themselves; on the way they count as equal. */
    private boolean finish(final List<Object> pair, final boolean result) {
        comparing.remove(pair);
        return result;
    }

    private boolean sameSection(final ElfSection old, final ElfSection now) throws ElfFormatException {
        return old.size() == now.size()
                && Arrays.equals(before.slice(old, 0, old.size()), after.slice(now, 0, now.size()))
                && sameReferences(before.relocations(old), after.relocations(now));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfRelocation;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What is sound as far as a program can tell, and what only a human can judge: other locking than code has that still runs
 * old, and writes to variables that old code does not expect.
 */
final class Judgement {
    /** POSIX's and C11's, and what others call so. */
    private static final Pattern LOCKING =
            Pattern.compile("pthread_(mutex|rwlock|spin|cond|barrier|once).*|(sem|mtx|cnd)_.*|call_once|lockf"
                    + "|(?i)(.*_)?(try|timed|rd|wr|un)?lock(_.*)?"
                    + "|_ZN.*\\d(try_|un)?lock(_shared)?E.*");

    private final TargetProgram target;
    private final List<String> warnings = new ArrayList<>();

    private Judgement(final TargetProgram target) {
        this.target = target;
    }

    /** The warnings about a patch, one line each. */
    static List<String> warnings(final List<PatchUnit> units, final TargetProgram target, final BuildOptions options)
            throws ElfFormatException {
        final Judgement judgement = new Judgement(target);
        for (final PatchUnit unit : units) {
            final Set<String> functions = new TreeSet<>(unit.diff().changed());
            functions.addAll(unit.diff().added());
            for (final String function : functions) {
                judgement.compareLocking(unit, function);
                judgement.compareWrites(unit, function);
            }
            for (final String constant : KeptConstants.of(unit.diff())) {
                judgement.warnings.add("%s: the constant %s is another one now, and what has kept its address goes on"
                                .formatted(unit.name(), constant)
                        + " with the old one");
            }
        }
        judgement.warnings.addAll(differingTypes(units));
        if (options.allowHiddenStacks()) {
            target.hiddenStacks()
                    .ifPresent(symbol -> judgement.warnings.add("the program switches stacks by itself (" + symbol
                            + "), which was allowed: no replaced function may ever be on such a stack"));
        }
        if (!options.allowedTypes().isEmpty()) {
            judgement.warnings.add(
                    "other layouts were allowed of: " + String.join(" ", new TreeSet<>(options.allowedTypes())));
        }
        return judgement.warnings;
    }

    /** A header's are those of several units, and are said once. */
    private static Set<String> differingTypes(final List<PatchUnit> units) throws ElfFormatException {
        final Set<String> differing = new TreeSet<>();
        for (final PatchUnit unit : units) {
            final Optional<TypeLayouts> before = TypeLayouts.of(unit.diff().before());
            final Optional<TypeLayouts> after = TypeLayouts.of(unit.after());
            if (before.isPresent() && after.isPresent()) {
                differing.addAll(TypeLayouts.grown(before.get(), after.get()));
                differing.addAll(TypeLayouts.differing(before.get(), after.get()));
                differing.addAll(VariableTypes.differing(
                        unit.diff(),
                        new VariableTypes(unit.diff().before(), before.get()),
                        new VariableTypes(unit.after(), after.get())));
            }
        }
        return differing;
    }

    private void compareLocking(final PatchUnit unit, final String function) {
        final Map<String, Integer> before = locking(unit.diff().before(), function);
        final Map<String, Integer> after = locking(unit.after(), function);
        final Set<String> names = new TreeSet<>(before.keySet());
        names.addAll(after.keySet());
        for (final String name : names) {
            final int then = before.getOrDefault(name, 0);
            final int now = after.getOrDefault(name, 0);
            if (then != now) {
                warnings.add("%s: %s calls %s %d ×, before %d ×".formatted(unit.name(), function, name, now, then));
            }
        }
    }

    /** The references of a function to functions for locking, by name: to call them, mostly. */
    private static Map<String, Integer> locking(final ObjectFile object, final String function) {
        final Map<String, Integer> references = new TreeMap<>();
        for (final Code code : object.parts(function)) {
            for (final ElfRelocation relocation : code.relocations()) {
                if (object.place(code, relocation) instanceof Place.Named(final ElfSymbol symbol, final long _)
                        && !object.isVariable(symbol)
                        && LOCKING.matcher(symbol.name()).matches()
                        && !symbol.name().equals(function)) {
                    references.merge(symbol.name(), 1, Integer::sum);
                }
            }
        }
        return references;
    }

    private void compareWrites(final PatchUnit unit, final String function) {
        final Set<ElfSymbol> before = written(unit.diff().before(), function);
        final Set<String> old = new TreeSet<>();
        before.forEach(variable -> old.add(variable.name()));
        for (final ElfSymbol variable : written(unit.after(), function)) {
            final ElfSymbol same = unit.diff().variables().get(variable);
            final boolean exists = unit.after().isVariable(variable)
                    ? unit.runningVariable(variable).isPresent()
                    : isOthers(variable);
            if (exists && !(same == null ? old.contains(variable.name()) : before.contains(same))) {
                warnings.add("%s: %s writes to the existing variable %s, before it did not"
                        .formatted(unit.name(), function, variable.name()));
            }
        }
    }

    private boolean isOthers(final ElfSymbol variable) {
        return target.global(variable.name())
                .filter(global -> global.type() == Elf.STT_OBJECT || global.type() == Elf.STT_TLS)
                .isPresent();
    }

    /** The variables that a function's instructions name as what they write to. */
    private static Set<ElfSymbol> written(final ObjectFile object, final String function) {
        final Set<ElfSymbol> variables = new LinkedHashSet<>();
        for (final Code code : object.parts(function)) {
            for (final ElfRelocation relocation : code.relocations()) {
                final Instruction instruction = code.instructionAt(relocation.offset());
                if (relocation.offset() < instruction.immediate()
                        && !Relocations.isGotSlot(relocation.type())
                        && MemoryWrites.writes(code, instruction)
                        && object.place(code, relocation)
                                instanceof Place.Named(final ElfSymbol symbol, final long _)) {
                    variables.add(symbol);
                }
            }
        }
        return variables;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFormatException;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.AreaKind;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.PatchWriter;
import dev.atlasviews.agent.patch.Sha256;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Makes a patch of the objects before and after a change and the program that runs. Same input, same bytes. */
public final class PatchBuilder {
    private final TargetProgram target;
    private final BuildOptions options;
    private final List<PatchUnit> units = new ArrayList<>();

    private PatchBuilder(final TargetProgram target, final BuildOptions options) {
        this.target = target;
        this.options = options;
    }

    /**
     * Builds a patch.
     *
     * @return the content of the patch file
     * @throws PatchRefusedException if it would not be sound; nothing is guessed
     */
    public static byte[] build(final List<ObjectPair> pairs, final TargetProgram target, final BuildOptions options)
            throws IOException, PatchRefusedException {
        return new PatchBuilder(target, options).build(pairs);
    }

    private byte[] build(final List<ObjectPair> pairs) throws IOException, PatchRefusedException {
        target.refuseOtherLanguages();
        if (!options.allowHiddenStacks()) {
            target.refuseHiddenStacks();
        }
        units.addAll(ChangedUnits.find(pairs, target, options.allowedTypes()));
        BasePatches.check(options.basedOn(), target, units);
        final PatchAssembler assembler = new PatchAssembler(target, units, librarySymbols()::contains);
        assembler.assemble();
        final List<PatchFunction> functions = new ArrayList<>();
        final StaleCalls staleCalls = new StaleCalls(units);
        for (final PatchUnit unit : units) {
            addTaken(unit, assembler, staleCalls, functions);
        }
        for (final PatchUnit unit : units) {
            addGone(unit, staleCalls, functions);
        }
        refuseWithoutJump(functions);
        return PatchWriter.write(
                options.basedOn().stream().map(Patch::digest).toList(),
                List.of(new PatchTarget(
                        target.buildId(),
                        target.name(),
                        target.isPositionIndependent(),
                        units.stream().map(PatchUnit::name).toList(),
                        functions,
                        assembler.variables(),
                        assembler.finish(AreaKind.TEXT),
                        assembler.finish(AreaKind.CONSTANTS),
                        assembler.finish(AreaKind.DATA))),
                Judgement.warnings(units, target, options));
    }

    /** Nothing would lead to the new code. */
    private void refuseWithoutJump(final List<PatchFunction> functions) throws PatchRefusedException {
        if (functions.stream()
                .map(PatchFunction::oldBody)
                .allMatch(body -> body == null || body.jumpOffset() == OldBody.NO_JUMP)) {
            throw new PatchRefusedException(
                    Refusal.NOT_LINKED,
                    target.name(),
                    "nothing in it leads to "
                            + functions.stream().map(PatchFunction::name).collect(Collectors.joining(", ")));
        }
    }

    private Set<String> librarySymbols() {
        return options.libraries().stream()
                .flatMap(library -> library.dynamicSymbols().stream())
                .filter(ElfSymbol::isDefined)
                .map(ElfSymbol::name)
                .collect(Collectors.toSet());
    }

    private void addTaken(
            final PatchUnit unit,
            final PatchAssembler assembler,
            final StaleCalls staleCalls,
            final List<PatchFunction> functions)
            throws ElfFormatException, PatchRefusedException {
        final String name = unit.name();
        for (final Code code : unit.takenNames()) {
            final NewBody newBody = assembler.body(code);
            final Optional<ElfSymbol> running = unit.runningFunction(code.symbol());
            if (running.isEmpty()) {
                final Code old = unit.diff().before().functions().get(code.name());
                if (old != null) {
                    unit.running().refuseHidden(old.symbol());
                } else {
                    refuseOthers(unit, code);
                }
                functions.add(new PatchFunction(code.name(), name, null, newBody));
            } else {
                final OldBody oldBody = oldBody(unit, code.name(), running.get(), staleCalls);
                final boolean isOthers = joinListed(functions, oldBody);
                functions.add(new PatchFunction(code.name(), name, isOthers ? null : oldBody, newBody));
            }
        }
    }

    /**
     * Refuses a function that the program has from another unit, as when one moves: who calls it means that one, and what
     * the new one does otherwise would never run.
     */
    private void refuseOthers(final PatchUnit unit, final Code code) throws PatchRefusedException {
        if (!code.symbol().isLocal()
                && !unit.after().isOfGroup(code.symbol())
                && target.global(code.name()).isPresent()) {
            throw new PatchRefusedException(
                    Refusal.AMBIGUOUS_SYMBOL, code.name(), "the program has it from another file than " + unit.name());
        }
    }

    /**
     * Whether another unit has replaced an inline function, of which the program has one for all units: the new one is one
     * too. Whether a thread may stay in the old one is for both to say.
     */
    private static boolean joinListed(final List<PatchFunction> functions, final OldBody oldBody) {
        for (int i = 0; i < functions.size(); i++) {
            final PatchFunction listed = functions.get(i);
            final OldBody same = listed.oldBody();
            if (same != null && same.address() == oldBody.address()) {
                if (same.notExcludable() == null) {
                    functions.set(i, new PatchFunction(listed.name(), listed.unit(), oldBody, listed.newBody()));
                }
                return true;
            }
        }
        return false;
    }

    private void addGone(final PatchUnit unit, final StaleCalls staleCalls, final List<PatchFunction> functions)
            throws ElfFormatException, PatchRefusedException {
        for (final Code old : unit.diff().before().functions().values()) {
            final Optional<ElfSymbol> running = unit.running().symbol(old.symbol());
            if (running.isPresent()
                    && !unit.after().functions().containsKey(old.name())
                    && !isListed(functions, running.get())
                    && mustBeLeft(unit, old, staleCalls)) {
                functions.add(new PatchFunction(
                        old.name(), unit.name(), oldBody(unit, old.name(), running.get(), staleCalls), null));
            }
        }
    }

    /** Whether code is listed under another name: constructors of C++ have two, and aliases are some. */
    private static boolean isListed(final List<PatchFunction> functions, final ElfSymbol running) {
        return functions.stream()
                .map(PatchFunction::oldBody)
                .anyMatch(body -> body != null && body.address() == running.value());
    }

    /** Whether a thread may not be in code that the new object does not have: nothing leads there, but it may be there. */
    private static boolean mustBeLeft(final PatchUnit unit, final Code old, final StaleCalls staleCalls)
            throws ElfFormatException {
        return unit.diff().changed().contains(old.family())
                ? old.isColdPart()
                : staleCalls.ofOld(unit, old.family()) != null;
    }

    /**
     * Compiler and linker may have made one body of functions that were the same: a jump would replace all of them. Names
     * of one function may share a body, as long as the jump leads to what all of them are after the change.
     */
    private void refuseFolded(final PatchUnit unit, final Code old, final ElfSymbol running, final boolean isEntered)
            throws PatchRefusedException {
        final Map<String, Code> after = unit.after().functions();
        for (final ElfSymbol symbol : target.functionsAt(running.value())) {
            final String other = TargetProgram.withoutVersion(symbol.name());
            if (symbol.equals(running)) {
                continue;
            }
            // The other file's function, where both have one name.
            final boolean isOthers = symbol.name().equals(running.name());
            if (isOthers || !isSame(old, unit.diff().before().functions().get(other))) {
                throw new PatchRefusedException(Refusal.FOLDED_CODE, old.name(), "with " + other);
            }
            if (isEntered && after.containsKey(other) && !isSame(after.get(old.name()), after.get(other))) {
                throw new PatchRefusedException(
                        Refusal.FOLDED_CODE,
                        old.name(),
                        "with " + other + ", which is another function after the change: change both alike");
            }
        }
    }

    /** Whether two names are of one function. */
    private static boolean isSame(final @Nullable Code code, final @Nullable Code other) {
        return code != null
                && other != null
                && code.section().index() == other.section().index()
                && code.symbol().value() == other.symbol().value();
    }

    private OldBody oldBody(
            final PatchUnit unit, final String name, final ElfSymbol running, final StaleCalls staleCalls)
            throws ElfFormatException, PatchRefusedException {
        final Code old = unit.diff().before().functions().get(name);
        final byte[] bytes = target.bytes(running).orElse(null);
        if (old == null || bytes == null) {
            throw new PatchRefusedException(Refusal.NOT_THE_RUNNING_CODE, name, "not in the program's text");
        }
        // The function that it chooses for has another name at the same place.
        for (final ElfSymbol same : target.functionsAt(running.value())) {
            if (same.type() == Elf.STT_GNU_IFUNC) {
                throw new PatchRefusedException(
                        Refusal.IFUNC,
                        TargetProgram.withoutVersion(same.name()),
                        unit.after().unit());
            }
        }
        final boolean isEntered = !old.isColdPart() && unit.after().functions().containsKey(name);
        refuseFolded(unit, old, running, isEntered);
        final String digest = Sha256.hex(bytes);
        final String why = whyNotExcludable(unit, old.family(), staleCalls);
        final int offset = isEntered ? JumpSite.offset(name, bytes) : OldBody.NO_JUMP;
        return new OldBody(running.value(), running.size(), digest, offset, why);
    }

    /** Why a thread may not stay in a function, in whatever part of it; null if it may. */
    private @Nullable String whyNotExcludable(final PatchUnit unit, final String function, final StaleCalls staleCalls)
            throws ElfFormatException, PatchRefusedException {
        final ObjectFile before = unit.diff().before();
        final Code old = before.functions().get(function);
        final Map<Long, byte[]> parts = new LinkedHashMap<>();
        for (final Code part : before.parts(function)) {
            unit.running()
                    .symbol(part.symbol())
                    .ifPresent(symbol -> target.bytes(symbol).ifPresent(bytes -> parts.put(symbol.value(), bytes)));
        }
        if (old == null || parts.isEmpty() || !unit.after().functions().containsKey(function)) {
            return staleCalls.ofOld(unit, function); // nothing is overwritten
        }
        final Map.Entry<Long, byte[]> entry = parts.entrySet().iterator().next();
        final long site = entry.getKey() + JumpSite.offset(function, entry.getValue());
        final String why =
                JumpSite.whyNotExcludable(before, old, offset -> unit.running().place(old, offset), site, parts);
        return why != null ? why : staleCalls.of(unit, function);
    }
}

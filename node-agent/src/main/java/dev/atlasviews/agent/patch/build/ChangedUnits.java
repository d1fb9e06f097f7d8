// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfSymbol;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Finds, among all objects of a build, those that are in the program and changed. A build makes more objects than one
 * program is linked from: of other programs, and of the same source with other options (shared and static libraries).
 * They are told apart by their code: an object that is not in the program is left out only if another is what the
 * program has of this source file, or if it has none; else it is refused.
 */
final class ChangedUnits {
    /** What clang makes with {@code -flto}. */
    private static final int BITCODE = 0xdec04342;

    private static final int CLASS = 4;
    private static final int CLASS_64 = 2;
    private static final int MACHINE = 18;
    private static final int HEADER = 20;

    private final TargetProgram target;
    private final Set<String> allowedTypes;
    private final Map<String, PatchUnit> units = new LinkedHashMap<>();
    private final List<Stranger> strangers = new ArrayList<>();
    private final Set<String> notLinked = new TreeSet<>();

    private ChangedUnits(final TargetProgram target, final Set<String> allowedTypes) {
        this.target = target;
        this.allowedTypes = allowedTypes;
    }

    /** An object that changed, and is not what the program has of its source file. */
    private record Stranger(ObjectPair pair, String sourceFile, PatchRefusedException refusal) {}

    /** Finds them, in the order of the pairs. */
    static List<PatchUnit> find(
            final List<ObjectPair> pairs, final TargetProgram target, final Set<String> allowedTypes)
            throws IOException, PatchRefusedException {
        return new ChangedUnits(target, allowedTypes).findAll(pairs);
    }

    private List<PatchUnit> findAll(final List<ObjectPair> all) throws IOException, PatchRefusedException {
        final List<ObjectPair> pairs =
                all.stream().filter(pair -> !pair.isAlone()).toList();
        for (final ObjectPair pair : pairs) {
            if (!pair.isSame()) {
                look(pair);
            }
        }
        for (final ObjectPair pair : all) {
            if (pair.isAlone()) {
                refuseOwn(pair, pairs);
            }
        }
        for (final Stranger stranger : strangers) {
            if (!isAccountedFor(stranger, pairs)) {
                throw stranger.refusal();
            }
        }
        if (units.isEmpty()) {
            throw notLinked.isEmpty()
                    ? new PatchRefusedException(Refusal.NOTHING_CHANGED, target.name(), "")
                    : new PatchRefusedException(Refusal.NOT_LINKED, target.name(), String.join(", ", notLinked));
        }
        return List.copyOf(units.values());
    }

    /**
     * Refuses an object that only one side has and that is the program's, as of a source file that was renamed: what changed
     * in it can not be seen. A new one of other functions is looked for when they are needed.
     */
    private void refuseOwn(final ObjectPair alone, final List<ObjectPair> pairs)
            throws IOException, PatchRefusedException {
        if (Files.exists(alone.before())) {
            final Optional<Integer> occurrence = isOfThisMachine(alone.before()) ? occurrence(alone) : Optional.empty();
            // Where a source is compiled twice another object may be what the program has of it.
            if (occurrence.isPresent()
                    && !occurrences(pairs, ObjectFile.sourceFile(ElfFile.read(alone.before())))
                            .contains(occurrence.get())) {
                throw new PatchRefusedException(Refusal.MISSING_OBJECT, alone.unit(), "after the change");
            }
        } else if (isOfThisMachine(alone.after())) {
            final ElfFile file = ElfFile.read(alone.after());
            for (final ElfSymbol symbol : file.symbols()) {
                // A test that comes with a fix has a main function too.
                if (symbol.isFunction()
                        && symbol.binding() != Elf.STB_WEAK
                        && !symbol.name().equals("main")
                        && target.defines(symbol)) {
                    throw new PatchRefusedException(
                            Refusal.MISSING_OBJECT,
                            alone.unit(),
                            "before the change; the program has its " + symbol.name() + " from another");
                }
            }
        }
    }

    private static boolean isOf(final ObjectPair pair, final Optional<String> sourceFile) throws IOException {
        return header(pair.before()).getInt(0) != BITCODE
                && isOfThisMachine(pair.before())
                && ObjectFile.sourceFile(ElfFile.read(pair.before())).equals(sourceFile);
    }

    /** Builds make objects for others too, as of 32 bits or of BPF. */
    private static boolean isOfThisMachine(final Path object) throws IOException {
        final ByteBuffer header = header(object);
        return header.getInt(0) != Elf.MAGIC
                || (header.get(CLASS) == CLASS_64 && header.getShort(MACHINE) == Elf.EM_X86_64);
    }

    private static ByteBuffer header(final Path object) throws IOException {
        try (InputStream in = Files.newInputStream(object)) {
            return ByteBuffer.wrap(Arrays.copyOf(in.readNBytes(HEADER), HEADER)).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private void look(final ObjectPair pair) throws IOException, PatchRefusedException {
        if (header(pair.before()).getInt(0) == BITCODE) {
            throw new PatchRefusedException(Refusal.LTO_OBJECT, pair.unit(), "bitcode");
        }
        if (!isOfThisMachine(pair.before())) {
            notLinked.add(pair.unit());
            return;
        }
        final ElfFile before = ElfFile.read(pair.before());
        ObjectFile.refuseIntermediate(pair.unit(), before);
        final Optional<String> sourceFile = ObjectFile.sourceFile(before);
        if (sourceFile.isPresent()
                ? target.files(sourceFile.get()).isEmpty()
                : before.symbols().stream().noneMatch(target::defines)) {
            notLinked.add(pair.unit());
            return;
        }
        final ElfFile after = ElfFile.read(pair.after());
        try {
            look(pair, before, after);
        } catch (final PatchRefusedException e) {
            if (sourceFile.isEmpty() || isInProgram(pair)) {
                throw e;
            }
            strangers.add(new Stranger(pair, sourceFile.get(), e));
        }
    }

    private void look(final ObjectPair pair, final ElfFile beforeFile, final ElfFile afterFile)
            throws IOException, PatchRefusedException {
        final ObjectFile before = ObjectFile.of(pair.unit(), beforeFile);
        final ObjectFile after = ObjectFile.of(pair.unit(), afterFile);
        final UnitDiff diff = UnitComparison.compare(before, after);
        if (diff.isEmpty()) {
            return;
        }
        final Optional<RunningUnit> running = RunningUnit.find(before, target);
        if (running.isEmpty()) {
            notLinked.add(pair.unit());
            return;
        }
        refuseChangedTypes(diff);
        final PatchUnit unit = new PatchUnit(diff, running.get());
        final PatchUnit twin = units.putIfAbsent(unit.name(), unit);
        if (twin != null && !UnitComparison.compare(twin.after(), after).isEmpty()) {
            throw new PatchRefusedException(
                    Refusal.AMBIGUOUS_SYMBOL,
                    unit.name(),
                    twin.after().unit() + " and " + pair.unit()
                            + " are the same before the change and differ after it");
        }
    }

    private void refuseChangedTypes(final UnitDiff diff) throws IOException, PatchRefusedException {
        if (allowedTypes.contains(BuildOptions.ALL_TYPES)) {
            return;
        }
        final ObjectFile before = diff.before();
        final ObjectFile after = diff.after();
        final Optional<TypeLayouts> then = TypeLayouts.of(before);
        final Optional<TypeLayouts> now = TypeLayouts.of(after);
        if (then.isEmpty() || now.isEmpty()) {
            throw new PatchRefusedException(Refusal.NO_TYPE_INFORMATION, after.unit(), "");
        }
        final Optional<String> changed = TypeLayouts.changed(then.get(), now.get(), allowedTypes);
        if (changed.isPresent()) {
            throw new PatchRefusedException(Refusal.CHANGED_TYPE, changed.get(), after.unit());
        }
        final Optional<ElfSymbol> variable = VariableTypes.reinterpreted(
                diff, new VariableTypes(before, then.get()), new VariableTypes(after, now.get()));
        if (variable.isPresent()) {
            throw new PatchRefusedException(
                    Refusal.CHANGED_VARIABLE, variable.get().name(), after.unit() + ": it is of another type");
        }
    }

    private boolean isInProgram(final ObjectPair pair) throws IOException {
        return occurrence(pair).isPresent();
    }

    /** Which of the program's files of its name an object is. */
    private Optional<Integer> occurrence(final ObjectPair pair) throws IOException {
        try {
            return RunningUnit.find(ObjectFile.of(pair.unit(), ElfFile.read(pair.before())), target)
                    .map(RunningUnit::occurrence);
        } catch (final PatchRefusedException e) {
            return Optional.empty();
        }
    }

    /** Whether all that the program has of this source file are other objects. */
    private boolean isAccountedFor(final Stranger stranger, final List<ObjectPair> pairs) throws IOException {
        final Set<ObjectPair> known = strangers.stream().map(Stranger::pair).collect(Collectors.toSet());
        final List<ObjectPair> others =
                pairs.stream().filter(pair -> !known.contains(pair)).toList();
        return occurrences(others, Optional.of(stranger.sourceFile())).size()
                == target.files(stranger.sourceFile()).size();
    }

    /** Which of the program's files of this name the objects of a source file are. */
    private Set<Integer> occurrences(final List<ObjectPair> pairs, final Optional<String> sourceFile)
            throws IOException {
        final Set<Integer> found = new TreeSet<>();
        for (final ObjectPair pair : pairs) {
            if (isOf(pair, sourceFile)) {
                occurrence(pair).ifPresent(found::add);
            }
        }
        return found;
    }
}

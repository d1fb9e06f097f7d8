// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.build.BuildOptions;
import dev.atlasviews.agent.patch.build.NeededLibraries;
import dev.atlasviews.agent.patch.build.PatchBuilder;
import dev.atlasviews.agent.patch.build.PatchRefusedException;
import dev.atlasviews.agent.patch.build.Refusal;
import dev.atlasviews.agent.patch.build.TargetProgram;
import dev.atlasviews.agent.patch.source.SourceBuild;
import dev.atlasviews.agent.patch.source.SourceBuildException;
import dev.atlasviews.e2e.corpus.CorpusResult.Outcome;
import dev.atlasviews.e2e.corpus.CorpusResult.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Builds the fixes of one package as patches, one after the other. */
final class CorpusTrial {
    private final String name;
    private final CorpusTree tree;
    private final CorpusPackage recipe;

    CorpusTrial(final String name, final CorpusTree tree, final CorpusPackage recipe) {
        this.name = name;
        this.tree = tree;
        this.recipe = recipe;
    }

    /** Builds the package without one fix and with it, and makes a patch of the difference. */
    CorpusResult run(final CorpusFix fix) throws IOException {
        try {
            final SourceBuild.Result built = tree.changedBy(
                    fix.patch(), recipe.targets().stream().map(Path::of).toList());
            return judge(fix, built);
        } catch (final SourceBuildException | PatchRefusedException e) {
            return result(fix, "", Outcome.FAILED, "BuildFailed", String.valueOf(e.getMessage()), List.of());
        }
    }

    /** The result for a fix that changes nothing of what is built. */
    CorpusResult leaveOut(final CorpusFix fix) {
        return result(fix, "", Outcome.LEFT_OUT, "LeftOut", fix.reason(), List.of());
    }

    private CorpusResult judge(final CorpusFix fix, final SourceBuild.Result built) throws IOException {
        final List<Part> parts = new ArrayList<>();
        final List<PatchRefusedException> refusals = new ArrayList<>();
        for (final Path program : built.programs()) {
            try {
                parts.add(part(fix, built, program));
            } catch (final PatchRefusedException e) {
                if (e.reason() != Refusal.NOTHING_CHANGED && e.reason() != Refusal.NOT_LINKED) {
                    refusals.add(e);
                }
            }
        }
        final String base = built.base().name();
        if (!refusals.isEmpty()) {
            final PatchRefusedException first = refusals.getFirst();
            return result(fix, base, Outcome.REFUSED, first.reason().name(), String.valueOf(first.getMessage()), parts);
        }
        if (parts.isEmpty()) {
            return result(fix, base, Outcome.NO_CODE, "", "", parts);
        }
        final String allowed = recipe.hiddenStacks() == null ? "" : "hidden stacks allowed: " + recipe.hiddenStacks();
        return result(fix, base, Outcome.BUILT, "", allowed, parts);
    }

    private Part part(final CorpusFix fix, final SourceBuild.Result built, final Path program)
            throws IOException, PatchRefusedException {
        final String target = Objects.requireNonNull(program.getFileName()).toString();
        final ElfFile binary = ElfFile.read(program);
        final List<ElfFile> libraries = new ArrayList<>(NeededLibraries.of(binary));
        for (final Path other : built.programs()) {
            libraries.add(ElfFile.read(other));
        }
        final byte[] file = PatchBuilder.build(
                built.pairs(),
                TargetProgram.of(target, binary, null),
                new BuildOptions(List.of(), libraries, recipe.hiddenStacks() != null, Set.of()));
        Files.write(tree.patch(fix.patch(), program), file);
        final Patch patch = PatchReader.read(file);
        final PatchTarget part = patch.targets().getFirst();
        final int added = (int) part.functions().stream()
                .filter(function -> function.oldBody() == null)
                .count();
        final int replaced = (int) part.functions().stream()
                .map(PatchFunction::oldBody)
                .filter(body -> body != null && body.jumpOffset() != PatchFunction.OldBody.NO_JUMP)
                .count();
        return new Part(target, file.length, replaced, added, part.text().size());
    }

    private CorpusResult result(
            final CorpusFix fix,
            final String base,
            final Outcome outcome,
            final String reason,
            final String message,
            final List<Part> parts) {
        return new CorpusResult(name, tree.version(), fix, base, outcome, reason, message, parts, null);
    }
}

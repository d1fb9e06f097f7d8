// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.build.BuildOptions;
import dev.atlasviews.agent.patch.build.NeededLibraries;
import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchBuilder;
import dev.atlasviews.agent.patch.build.TargetProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code atlas build}. */
@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        description = {
            "Builds a patch for a program: from its source tree and a change (--source, --patch), or from the object"
                    + " files before and after the change (--before, --after).",
            "Object files that you make yourself are to be compiled with the flags of the running build plus"
                    + " -ffunction-sections -fdata-sections."
        })
@SuppressWarnings("NullAway.Init") // set by picocli
final class BuildCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--before",
            paramLabel = "PATH",
            description = "object file, or directory with them, of the running build")
    private @Nullable Path before;

    @Option(
            names = "--after",
            paramLabel = "PATH",
            description = "the same after the change; directories, such as two finished source trees, are paired by"
                    + " relative path")
    private @Nullable Path after;

    @Mixin
    private SourceOptions source;

    @Option(names = "--target", paramLabel = "FILE", description = "the program or library that runs")
    private @Nullable Path target;

    @Option(names = "--debug", paramLabel = "FILE", description = "its separate debug file, if it is stripped")
    private @Nullable Path debug;

    @Option(
            names = "--library",
            paramLabel = "FILE",
            description =
                    "a library, or for a module the program that loads it, whose symbols the patch may use beyond those"
                            + " of the libraries that the target itself names")
    private List<Path> libraries = new ArrayList<>();

    @Option(
            names = "--based-on",
            paramLabel = "PATCH",
            description = "a patch that the objects after the change contain as well")
    private List<Path> basedOn = new ArrayList<>();

    @Option(
            names = "--allow-hidden-stacks",
            description =
                    "patch a program that switches stacks by itself: only if no replaced function is ever on such a"
                            + " stack")
    private boolean allowHiddenStacks;

    @Option(
            names = "--allow-changed-type",
            paramLabel = "TYPE",
            description = "a type whose layout may differ, as no object of it outlives the functions that are replaced;"
                    + " * for all, without which objects need debug information (-g)")
    private Set<String> allowedTypes = new HashSet<>();

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "where to write the patch")
    private Path output;

    @Override
    public Integer call() throws Exception {
        final Inputs inputs = inputs();
        final ElfFile binary = ElfFile.read(inputs.program());
        final List<ElfFile> libraryFiles = new ArrayList<>(NeededLibraries.of(binary));
        for (final Path library : libraries) {
            libraryFiles.add(ElfFile.read(library));
        }
        final List<Patch> bases = new ArrayList<>();
        for (final Path patch : basedOn) {
            bases.add(PatchReader.read(patch));
        }
        final TargetProgram program = TargetProgram.of(
                String.valueOf(inputs.program().getFileName()), binary, debug == null ? null : ElfFile.read(debug));
        final byte[] content = PatchBuilder.build(
                inputs.pairs(), program, new BuildOptions(bases, libraryFiles, allowHiddenStacks, allowedTypes));
        final Patch patch = PatchReader.read(content);
        Files.write(output, content);
        spec.commandLine().getOut().print(PatchReport.of(patch, content.length));
        spec.commandLine().getOut().flush();
        return 0;
    }

    /** What a patch is built of. */
    record Inputs(List<ObjectPair> pairs, Path program) {}

    private Inputs inputs() throws Exception {
        if (source.isGiven()) {
            if (before != null || after != null) {
                throw new ParameterException(spec.commandLine(), "give either --source or --before and --after");
            }
            return source.build(spec.commandLine(), target);
        }
        if (before == null || after == null || target == null) {
            throw new ParameterException(
                    spec.commandLine(), "give --source and --patch, or --before, --after and --target");
        }
        return new Inputs(ObjectPair.find(before, after), target);
    }
}

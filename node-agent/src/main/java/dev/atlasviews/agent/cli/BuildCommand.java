// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.build.BuildOptions;
import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchBuilder;
import dev.atlasviews.agent.patch.build.TargetProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code atlas build}. */
@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        description = {
            "Builds a patch from the object files before and after a change.",
            "Compile both with the flags of the running build plus -ffunction-sections -fdata-sections."
        })
@SuppressWarnings("NullAway.Init") // set by picocli
final class BuildCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--before",
            required = true,
            paramLabel = "PATH",
            description = "object file, or directory with them, of the running build")
    private Path before;

    @Option(
            names = "--after",
            required = true,
            paramLabel = "PATH",
            description = "the same after the change; directories are paired by relative path")
    private Path after;

    @Option(names = "--target", required = true, paramLabel = "FILE", description = "the program that runs")
    private Path target;

    @Option(names = "--debug", paramLabel = "FILE", description = "its separate debug file, if it is stripped")
    private @Nullable Path debug;

    @Option(
            names = "--library",
            paramLabel = "FILE",
            description = "a library whose symbols the patch may use though the program does not")
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
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "where to write the patch")
    private Path output;

    @Override
    public Integer call() throws Exception {
        final List<ElfFile> libraryFiles = new ArrayList<>();
        for (final Path library : libraries) {
            libraryFiles.add(ElfFile.read(library));
        }
        final List<String> digests = new ArrayList<>();
        for (final Path patch : basedOn) {
            digests.add(PatchReader.read(patch).digest());
        }
        final TargetProgram program = TargetProgram.of(
                String.valueOf(target.getFileName()), ElfFile.read(target), debug == null ? null : ElfFile.read(debug));
        final byte[] content = PatchBuilder.build(
                ObjectPair.find(before, after), program, new BuildOptions(digests, libraryFiles, allowHiddenStacks));
        final Patch patch = PatchReader.read(content);
        Files.write(output, content);
        spec.commandLine().getOut().print(PatchReport.of(patch, content.length));
        spec.commandLine().getOut().flush();
        return 0;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.build.BuildOptions;
import dev.atlasviews.agent.patch.build.DebugFiles;
import dev.atlasviews.agent.patch.build.NeededLibraries;
import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchBuilder;
import dev.atlasviews.agent.patch.build.PatchRefusedException;
import dev.atlasviews.agent.patch.build.TargetProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
                    + " files before and after the change (--before, --after). A change that is in several programs and"
                    + " libraries of the same build gives a patch for each --target.",
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

    @Option(names = "--target", paramLabel = "FILE", description = "the program or library that runs; may be repeated")
    private List<Path> targets = new ArrayList<>();

    @Option(
            names = "--debug",
            paramLabel = "PATH",
            description = "where its symbols are, if it is stripped: its separate debug file, a directory with such by"
                    + " build-id or path (default: /usr/lib/debug), or the program as an identical build makes it, not"
                    + " stripped")
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
            description =
                    "where to write the patch; of several targets, the directory for the patches, each of which is"
                            + " named after its target")
    private Path output;

    @Override
    public Integer call() throws Exception {
        // What is wrong with them is said before anything is built.
        final List<TargetProgram> given = new ArrayList<>();
        for (final Path target : targets) {
            given.add(program(target));
        }
        final Inputs inputs = inputs();
        final Map<Path, byte[]> patches = new LinkedHashMap<>();
        for (int i = 0; i < inputs.programs().size(); i++) {
            final Path program = inputs.programs().get(i);
            patches.put(
                    output(program, inputs.programs().size()),
                    build(inputs.pairs(), program, given.isEmpty() ? program(program) : given.get(i)));
        }
        if (patches.size() > 1) {
            Files.createDirectories(output);
        }
        for (final Map.Entry<Path, byte[]> patch : patches.entrySet()) {
            Files.write(patch.getKey(), patch.getValue());
            spec.commandLine()
                    .getOut()
                    .print(PatchReport.of(PatchReader.read(patch.getValue()), patch.getValue().length));
        }
        spec.commandLine().getOut().flush();
        return 0;
    }

    private byte[] build(final List<ObjectPair> pairs, final Path file, final TargetProgram program) throws Exception {
        final List<ElfFile> libraryFiles = new ArrayList<>(NeededLibraries.of(ElfFile.read(file)));
        for (final Path library : libraries) {
            libraryFiles.add(ElfFile.read(library));
        }
        final List<Patch> bases = new ArrayList<>();
        for (final Path patch : basedOn) {
            bases.add(PatchReader.read(patch));
        }
        return PatchBuilder.build(
                pairs, program, new BuildOptions(bases, libraryFiles, allowHiddenStacks, allowedTypes));
    }

    private Path output(final Path program, final int programs) {
        return programs == 1 ? output : output.resolve(program.getFileName() + ".atlas");
    }

    /** What only one target can have is not given for several. */
    private void checkSeveral(final List<Path> programs) {
        if (programs.size() > 1
                && (!basedOn.isEmpty()
                        || (debug != null && !Files.isDirectory(debug))
                        || programs.stream()
                                        .map(path -> String.valueOf(path.getFileName()))
                                        .distinct()
                                        .count()
                                < programs.size())) {
            throw new ParameterException(
                    spec.commandLine(),
                    "several targets have different names, no --based-on, and as --debug a directory only");
        }
    }

    private TargetProgram program(final Path file) throws IOException, PatchRefusedException {
        final ElfFile binary = ElfFile.read(file);
        ElfFile symbols = null;
        if (debug != null && !Files.isDirectory(debug)) {
            symbols = ElfFile.read(debug);
        } else if (binary.symbols().isEmpty()) {
            symbols = DebugFiles.find(file, binary, debug != null ? debug : DebugFiles.ROOT)
                    .orElse(null);
        }
        return TargetProgram.of(String.valueOf(file.getFileName()), binary, symbols);
    }

    /** What a patch is built of. */
    record Inputs(List<ObjectPair> pairs, List<Path> programs) {
        Inputs {
            pairs = List.copyOf(pairs);
            programs = List.copyOf(programs);
        }
    }

    private Inputs inputs() throws Exception {
        if (source.isGiven()) {
            if (before != null || after != null) {
                throw new ParameterException(spec.commandLine(), "give either --source or --before and --after");
            }
            checkSeveral(source.programs(targets));
            return source.build(spec.commandLine(), targets);
        }
        checkSeveral(targets);
        if (before == null || after == null || targets.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "give --source and --patch, or --before, --after and --target");
        }
        return new Inputs(ObjectPair.find(before, after), targets);
    }
}

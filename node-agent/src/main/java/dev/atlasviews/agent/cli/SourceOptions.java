// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.source.BuildRecipe;
import dev.atlasviews.agent.patch.source.SourceBuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** How {@code atlas build} gets object files from a source tree. */
@SuppressWarnings("NullAway.Init") // set by picocli
final class SourceOptions {
    @Option(
            names = "--source",
            paramLabel = "DIR",
            description = "the source tree of the running program, which is not changed: a copy is built twice")
    private @Nullable Path source;

    @Option(
            names = "--patch",
            paramLabel = "FILE",
            description =
                    "the change, as a diff for patch -p1. One of the tree's own debian/patches is taken back for the"
                            + " first build")
    private @Nullable Path patch;

    @Option(
            names = "--build",
            paramLabel = "COMMAND",
            description = "how to build the tree, for a shell; run again after the change. Without it, Debian packages,"
                    + " CMake, configure and make are known by their files")
    private @Nullable String build;

    @Option(
            names = "--rebuild",
            description = "run --build in a fresh copy after the change, if it would not notice what changed")
    private boolean rebuild;

    @Option(
            names = "--built-target",
            paramLabel = "PATH",
            description = "take as target what the first build makes, by its path in the tree: for a program that is"
                    + " deployed from this build; may be repeated")
    private List<Path> builtTargets = new ArrayList<>();

    @Option(
            names = "--work",
            paramLabel = "DIR",
            description = "where to build (default: a temporary directory, which stays only if a build fails)")
    private @Nullable Path work;

    boolean isGiven() {
        return source != null;
    }

    /** What patches are for: these, or what the build makes. */
    List<Path> programs(final List<Path> targets) {
        return targets.isEmpty() ? builtTargets : targets;
    }

    /** Builds the tree without and with the change. */
    BuildCommand.Inputs build(final CommandLine command, final List<Path> targets) throws Exception {
        if (source == null || patch == null || targets.isEmpty() == builtTargets.isEmpty()) {
            throw new ParameterException(command, "--source needs --patch and one of --target and --built-target");
        }
        final BuildRecipe recipe = build != null
                ? new BuildRecipe(build, !rebuild)
                : BuildRecipe.of(source)
                        .orElseThrow(() -> new ParameterException(
                                command, "it is not known how to build " + source + ": give --build"));
        final Path directory = work != null ? work : Files.createTempDirectory("atlas-build");
        final SourceBuild.Result result = SourceBuild.inCopy(
                        source, directory, recipe, step -> command.getErr().println("atlas: " + step))
                .changedBy(patch, builtTargets);
        if (result.base() == SourceBuild.Base.EARLIER_ONES) {
            command.getErr()
                    .println(
                            "atlas: later patches build on this one: both builds are without them, so the target has to"
                                    + " be as well");
        }
        if (work == null) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
        }
        return new BuildCommand.Inputs(result.pairs(), targets.isEmpty() ? result.programs() : targets);
    }

    private static void delete(final Path directory) {
        try {
            SourceBuild.delete(directory);
        } catch (final IOException e) {
            System.err.println("atlas: " + directory + " could not be deleted: " + e.getMessage());
        }
    }
}

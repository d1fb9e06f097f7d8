// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.inspect.Disassembler;
import dev.atlasviews.agent.patch.inspect.InstructionDifference;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code atlas inspect}. */
@Command(name = "inspect", mixinStandardHelpOptions = true, description = "Shows what a patch replaces.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class InspectCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PATCH", description = "a patch file")
    private Path file;

    @Option(
            names = "--program",
            paramLabel = "FILE",
            description =
                    "the program or library that it is for: shows also how the instructions of each function differ")
    private @Nullable Path program;

    @Option(
            names = "--objdump",
            paramLabel = "COMMAND",
            defaultValue = "objdump",
            description = "binutils' objdump, which disassembles (default: ${DEFAULT-VALUE})")
    private String objdump;

    @Override
    public Integer call() throws Exception {
        final Patch patch = PatchReader.read(file);
        final PrintWriter out = spec.commandLine().getOut();
        out.print(PatchReport.of(patch, Files.size(file)));
        if (program != null) {
            differences(patch, program, out);
        }
        out.flush();
        return 0;
    }

    private void differences(final Patch patch, final Path binary, final PrintWriter out) throws IOException {
        final ElfFile elf = ElfFile.read(binary);
        final String buildId = elf.buildId().orElse("");
        final List<PatchTarget> targets = patch.targets().stream()
                .filter(target -> target.buildId().equals(buildId))
                .toList();
        if (targets.isEmpty()) {
            throw new IOException("the patch is not for " + binary + ", whose build-id is " + buildId);
        }
        if (!Disassembler.isThere(objdump)) {
            spec.commandLine()
                    .getErr()
                    .println("atlas: how the instructions differ is not shown: there is no " + objdump
                            + " (it is in binutils)");
            return;
        }
        for (final PatchTarget target : targets) {
            InstructionDifference.print(target, elf, new Disassembler(objdump), out::println);
        }
    }
}

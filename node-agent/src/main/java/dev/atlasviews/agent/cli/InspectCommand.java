// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.PatchReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
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

    @Override
    public Integer call() throws Exception {
        spec.commandLine().getOut().print(PatchReport.of(PatchReader.read(file), Files.size(file)));
        spec.commandLine().getOut().flush();
        return 0;
    }
}

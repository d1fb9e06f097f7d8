// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code kubectl atlas}. */
@Command(
        name = "kubectl-atlas",
        mixinStandardHelpOptions = true,
        description = "Applies patches to running processes of pods, and says what became of them.",
        subcommands = {
            StatusCommand.class,
            PushCommand.class,
            PlanCommand.class,
            ApplyCommand.class,
            RevertCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            ExplainCommand.class,
            DiagnoseCommand.class,
            CompleteCommand.class,
            AutoComplete.GenerateCompletion.class
        })
@SuppressWarnings("NullAway.Init") // set by picocli
public final class KubectlAtlas implements Runnable {
    /** Exit status: what was asked for did not come about. */
    static final int FAILED = 1;

    @Spec
    private CommandSpec spec;

    /**
     * Runs one command.
     *
     * @param arguments the command line
     */
    public static void main(final String[] arguments) {
        System.exit(commandLine(
                        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                        new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(arguments));
    }

    static CommandLine commandLine(final PrintWriter out, final PrintWriter err) {
        final CommandLine line = new CommandLine(new KubectlAtlas());
        // What is being typed may be anything, and is no option of this command's own.
        Objects.requireNonNull(line.getSubcommands().get("__complete"))
                .setUnmatchedArgumentsAllowed(true)
                .setStopAtPositional(true);
        return line.setOut(out).setErr(err).setExecutionExceptionHandler((e, command, parsed) -> {
            command.getErr().println("error: " + ErrorText.of(e));
            return FAILED;
        });
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }
}

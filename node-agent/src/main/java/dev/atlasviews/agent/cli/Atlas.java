// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Spec;

/** The command {@code atlas}. */
@Command(
        name = "atlas",
        description = "Patches running processes without stopping them.",
        mixinStandardHelpOptions = true,
        version = "atlas 0.1.0",
        subcommands = {
            BuildCommand.class,
            InspectCommand.class,
            KeyCommand.class,
            SignCommand.class,
            VerifyCommand.class,
            ApplyCommand.class,
            StatusCommand.class,
            RevertCommand.class,
            AgentCommand.class
        },
        exitCodeOnInvalidInput = Atlas.USAGE,
        exitCodeOnExecutionException = Atlas.FAILED)
public final class Atlas implements Runnable {
    /** Exit status: something did not work. */
    public static final int FAILED = 1;
    /** Exit status: the command line is wrong. */
    public static final int USAGE = 2;
    /** Exit status: it would not be sound; the message names reason and thing. */
    public static final int REFUSED = 3;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandLine.Model.CommandSpec spec;

    /** Starts the command line. */
    public static void main(final String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command line, as it is started; tests set its output. */
    public static CommandLine commandLine() {
        return new CommandLine(new Atlas()).setExecutionExceptionHandler((exception, command, parsed) -> {
            command.getErr().println("atlas: " + Failures.describe(exception));
            return Failures.exitStatus(exception);
        });
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "Missing a subcommand");
    }
}

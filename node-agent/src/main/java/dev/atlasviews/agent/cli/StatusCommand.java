// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code atlas status}. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Says which code the threads of a process run. Needs root.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class StatusCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ProcessOptions options;

    @Override
    public Integer call() throws Exception {
        try (LocalEngine local = LocalEngine.open(options.store())) {
            return new ReportPrinter(spec.commandLine().getOut(), options.json())
                    .printAll(local.engine().inspect(options.process()));
        }
    }
}

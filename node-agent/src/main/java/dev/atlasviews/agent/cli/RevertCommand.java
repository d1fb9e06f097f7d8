// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code atlas revert}. */
@Command(
        name = "revert",
        mixinStandardHelpOptions = true,
        description = "Moves the threads of a patched process back. Needs root.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class RevertCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ProcessOptions options;

    @Mixin
    private MoveOptions moves;

    @Option(
            names = "--digest",
            paramLabel = "DIGEST",
            description = "take out only this patch (or its first digits); else all")
    private @Nullable String digest;

    @Override
    public Integer call() throws Exception {
        final TargetProcess process = options.process();
        try (LocalEngine local = LocalEngine.open(options.store())) {
            final List<Layer> present =
                    digest == null ? local.engine().layers(process).known() : local.layers(process);
            final List<Layer> leaving = present.stream()
                    .filter(layer -> digest == null || layer.digest().startsWith(digest))
                    .map(layer -> new Layer(layer.patch(), layer.threads(), moves.excluded()))
                    .toList();
            if (digest != null && leaving.size() != 1) {
                throw new IOException("process %d has %d patches whose digest starts with %s"
                        .formatted(process.pid(), leaving.size(), digest));
            }
            final List<Layer> staying = present.stream()
                    .filter(layer ->
                            leaving.stream().noneMatch(other -> other.digest().equals(layer.digest())))
                    .toList();
            final ReportPrinter printer = new ReportPrinter(spec.commandLine().getOut(), options.json());
            return printer.print(local.engine().reconcile(process, moves.desired(staying, leaving), printer));
        }
    }
}

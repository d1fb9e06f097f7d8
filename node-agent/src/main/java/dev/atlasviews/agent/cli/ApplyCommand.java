// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code atlas apply}. */
@Command(
        name = "apply",
        mixinStandardHelpOptions = true,
        description = {
            "Moves the threads of a running process to patched code.",
            "Patches lie above those that the process has already, in the order given. Needs root."
        })
@SuppressWarnings("NullAway.Init") // set by picocli
final class ApplyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ProcessOptions options;

    @Mixin
    private MoveOptions moves;

    @Option(
            names = "--threads",
            paramLabel = "PATTERN",
            defaultValue = "*",
            description = "only threads of this name; * and ? stand for any characters and for one")
    private String threads;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "patch files")
    private List<Path> files;

    @Override
    public Integer call() throws Exception {
        final TargetProcess process = options.process();
        final LayerStore store = options.store();
        final List<Layer> added = read();
        try (LocalEngine local = LocalEngine.open(store)) {
            for (final Path file : files) {
                store.putPatch(Files.readAllBytes(file));
            }
            final List<Layer> layers = new ArrayList<>(local.layers(process));
            layers.removeIf(
                    layer -> added.stream().anyMatch(other -> other.digest().equals(layer.digest())));
            layers.addAll(added);
            final Desired desired = moves.desired(layers, List.of());
            final ReportPrinter printer = new ReportPrinter(spec.commandLine().getOut(), options.json());
            return printer.print(local.engine().reconcile(process, desired, printer));
        }
    }

    private List<Layer> read() throws IOException {
        final List<Layer> layers = new ArrayList<>();
        for (final Path file : files) {
            layers.add(new Layer(PatchReader.read(file), new ThreadFilter(threads), moves.excluded()));
        }
        return layers;
    }
}

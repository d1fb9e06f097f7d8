// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What all commands that work on a process have in common. */
@SuppressWarnings("NullAway.Init") // set by picocli
final class ProcessOptions {
    @Option(names = "--pid", required = true, paramLabel = "PID", description = "the process")
    private long pid;

    @Option(
            names = "--state",
            paramLabel = "DIRECTORY",
            defaultValue = "/var/lib/atlas",
            description = "where applied patches are remembered (default: ${DEFAULT-VALUE})")
    private Path state;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    private Format format;

    /** How results are printed. */
    enum Format {
        text,
        json
    }

    TargetProcess process() throws IOException {
        return TargetProcess.find(TargetProcess.PROC, pid)
                .orElseThrow(() -> new IOException("there is no process " + pid));
    }

    LayerStore store() {
        return new LayerStore(state);
    }

    boolean json() {
        return format == Format.json;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Programs that run beside a test, with a log of each in its folder. */
public final class ServerProcesses implements AutoCloseable {
    private final Path folder;
    private final List<Process> processes = new ArrayList<>();

    /**
     * None yet.
     *
     * @param folder where their logs are written
     */
    public ServerProcesses(final Path folder) {
        this.folder = folder;
    }

    /**
     * Starts one.
     *
     * @param name of its log, without extension
     * @param program its path
     * @param arguments its arguments
     */
    public void launch(final String name, final Path program, final String... arguments) throws IOException {
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        processes.add(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start());
    }

    /** Ends them, the last one first. */
    @Override
    public void close() {
        processes.reversed().forEach(Programs::stop);
    }
}

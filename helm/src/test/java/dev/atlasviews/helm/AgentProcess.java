// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import dev.atlasviews.agent.cli.Atlas;
import dev.atlasviews.crds.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** An agent as its pod runs it, with the rights that the chart gives, of a node for whose kernel there is no module. */
final class AgentProcess implements AutoCloseable {
    private final Process process;

    private AgentProcess(final Process process) {
        this.process = process;
    }

    /**
     * Starts one; it is not waited for.
     *
     * @param folder where its log, its state and no module are
     * @param kubeconfig how it reaches the API server
     * @param node the node's name
     * @param status the port at which it tells how it is
     */
    static AgentProcess start(final Path folder, final Path kubeconfig, final String node, final int status)
            throws IOException {
        final List<String> arguments = List.of(
                Atlas.class.getName(),
                "agent",
                "--node=" + node,
                "--modules=" + Files.createDirectory(folder.resolve("modules")),
                "--state=" + Files.createDirectory(folder.resolve("state")),
                "--status-port=" + status);
        return new AgentProcess(
                ContainerProgram.program("atlas-agent", kubeconfig, arguments, folder.resolve("agent.log"))
                        .start());
    }

    /** Ends it as if its machine were switched off. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() {
        Programs.stop(process);
    }
}

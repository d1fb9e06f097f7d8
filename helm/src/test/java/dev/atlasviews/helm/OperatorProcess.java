// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.helm;

import dev.atlasviews.crds.testing.Programs;
import dev.atlasviews.operator.OperatorMain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** An operator as a process of its own, with the rights that the chart gives. */
final class OperatorProcess implements AutoCloseable {
    private final Process process;
    private final Path log;

    private OperatorProcess(final Process process, final Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts one; it is not waited for.
     *
     * @param folder where its log is written
     * @param name of its pod
     * @param kubeconfig how it reaches the API server
     * @param more environment variables that not every operator is given
     */
    static OperatorProcess start(
            final Path folder, final String name, final Path kubeconfig, final Map<String, String> more)
            throws IOException {
        final Path log = folder.resolve(name + ".log");
        final ProcessBuilder builder =
                ContainerProgram.program("atlas-operator", kubeconfig, List.of(OperatorMain.class.getName()), log);
        builder.environment().putAll(Map.of("HOSTNAME", name, "ATLAS_NAMESPACE", Chart.NAMESPACE));
        builder.environment().putAll(more);
        return new OperatorProcess(builder.start(), log);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    String log() throws IOException {
        return Files.readString(log);
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

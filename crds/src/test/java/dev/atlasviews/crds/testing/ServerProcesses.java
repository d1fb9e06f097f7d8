// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs that run beside a test, with a log of each in its folder. */
final class ServerProcesses implements AutoCloseable {
    private final Path folder;
    private final List<Process> processes = new ArrayList<>();

    ServerProcesses(final Path folder) {
        this.folder = folder;
    }

    /**
     * Starts one.
     *
     * @param name of its log, without extension
     * @param program its path
     * @param arguments its arguments
     */
    void launch(final String name, final Path program, final String... arguments) throws IOException {
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
        processes.reversed().forEach(process -> {
            process.destroy();
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (final InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        });
    }

    /** What a program prints that ends by itself; it tells of its work on standard error. */
    static String output(final List<String> command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        final String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        final int status = process.waitFor();
        if (status != 0) {
            throw new IOException(command + " ended with status " + status);
        }
        return printed;
    }

    /** A port on loopback that nobody listens at. */
    static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.scale;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/** The operator as a process of its own, with the heap that it has beside the control plane of the test cluster. */
final class OperatorProcess implements AutoCloseable {
    private static final Pattern RESIDENT = Pattern.compile("^VmRSS:\\s+(\\d+) kB$", Pattern.MULTILINE);

    private final Process process;
    private final int port;
    private final HttpClient http = HttpClient.newHttpClient();

    private OperatorProcess(final Process process, final int port) {
        this.process = process;
        this.port = port;
    }

    /**
     * Starts it and waits until its watches have brought everything.
     *
     * @param classPath of the operator
     * @param kubeconfig with all rights
     * @param log where it writes
     */
    static OperatorProcess start(final String classPath, final Path kubeconfig, final Path log) throws IOException {
        final int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        final ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-cp",
                classPath,
                "dev.atlasviews.operator.OperatorMain");
        builder.environment().put("KUBECONFIG", kubeconfig.toString());
        builder.environment().put("ATLAS_STATUS_PORT", String.valueOf(port));
        final OperatorProcess operator = new OperatorProcess(
                builder.redirectErrorStream(true).redirectOutput(log.toFile()).start(), port);
        Awaitility.await("the operator is ready, see " + log)
                .atMost(Duration.ofMinutes(5))
                .ignoreExceptions()
                .until(() -> operator.ask("readyz").statusCode() == 200);
        return operator;
    }

    /** Bytes of memory that it has, shared pages included. */
    long residentBytes() throws IOException {
        final Matcher matcher =
                RESIDENT.matcher(Files.readString(Path.of("/proc", String.valueOf(process.pid()), "status")));
        if (!matcher.find()) {
            throw new IOException("the operator has ended");
        }
        return Long.parseLong(matcher.group(1)) * 1024;
    }

    /** Bytes of its heap that are still in use after everything else was collected. */
    long liveBytes() throws IOException, InterruptedException {
        final Process collect = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        String.valueOf(process.pid()),
                        "GC.run")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (collect.waitFor() != 0) {
            throw new IOException("the operator's heap can not be collected");
        }
        final double sum = ask("metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("jvm_memory_used_bytes{") && line.contains("area=\"heap\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
        return Math.round(sum);
    }

    private HttpResponse<String> ask(final String path) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/%s".formatted(port, path)))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

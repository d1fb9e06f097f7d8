// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Commands of a build, with their output in a log. */
final class Command {
    private static final int TAIL = 4000;

    private final Path directory;
    private final Path log;
    private final Consumer<Map<String, String>> environment;

    /** Commands in a directory, in an environment that may be changed first. */
    Command(final Path directory, final Path log, final Consumer<Map<String, String>> environment) {
        this.directory = directory;
        this.log = log;
        this.environment = environment;
    }

    /** Runs a command to its end; returns whether it succeeded. */
    boolean succeeds(final List<String> words) throws IOException {
        final ProcessBuilder builder = new ProcessBuilder(words)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        environment.accept(builder.environment());
        final Process process = builder.start();
        try {
            return process.waitFor() == 0;
        } catch (final InterruptedException e) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Runs a command that has to succeed. */
    void run(final String what, final List<String> words) throws IOException {
        if (!succeeds(words)) {
            throw new SourceBuildException(what + " failed, see " + log + ":\n" + tail());
        }
    }

    private String tail() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            final byte[] end = new byte[(int) Math.min(TAIL, file.length())];
            file.seek(file.length() - end.length);
            file.readFully(end);
            return new String(end, StandardCharsets.UTF_8);
        }
    }
}

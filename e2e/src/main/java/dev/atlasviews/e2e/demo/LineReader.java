// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Hands on what a program prints, line by line, until it is closed. */
final class LineReader implements AutoCloseable {
    private final Process process;
    private final Thread thread;

    LineReader(Process process, Consumer<String> lines) {
        this.process = process;
        this.thread = Thread.ofPlatform().daemon().name("reader").start(() -> read(process, lines));
    }

    private static void read(Process process, Consumer<String> lines) {
        try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (var line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.accept(line);
            }
        } catch (IOException e) {
            // The program was ended.
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            thread.join(1000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

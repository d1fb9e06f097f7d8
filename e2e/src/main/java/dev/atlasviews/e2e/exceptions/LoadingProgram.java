// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.exceptions;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** {@code e2e/exceptions/loads.c} as it runs. */
final class LoadingProgram implements AutoCloseable {
    private static final int THOUSAND = 1000;

    private final Process process;
    private final BufferedReader answers;
    private final Writer requests;

    /**
     * What the program's own function and its two libraries answer: the version in thousands, and from the libraries when they
     * are patched how often they were called.
     *
     * @param place where the first library is
     */
    record Answers(long own, long first, long second, long place) {
        /** Which version each of them is. */
        List<Long> versions() {
            return List.of(own / THOUSAND, first / THOUSAND, second / THOUSAND);
        }

        /** How often the first library was called, by its own count. */
        long calls() {
            return first % THOUSAND;
        }
    }

    private LoadingProgram(final Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.requests = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it with the libraries that lie beside it. */
    static LoadingProgram start(final Path programs, final String threads) throws IOException {
        final LoadingProgram started = new LoadingProgram(new ProcessBuilder(
                        programs.resolve("loads").toString(),
                        programs.resolve("first.so").toString(),
                        programs.resolve("second.so").toString(),
                        threads)
                .redirectError(Redirect.INHERIT)
                .start());
        // Until it answers it may still be the other program.
        started.ask("");
        return started;
    }

    TargetProcess process() throws IOException {
        return TargetProcess.find(Path.of("/proc"), process.pid())
                .orElseThrow(() -> new IOException("the program has ended"));
    }

    /** What it answers after it did this: nothing, "again" or "elsewhere". */
    Answers ask(final String what) throws IOException {
        requests.write(what + "\n");
        requests.flush();
        final String line = answers.readLine();
        if (line == null) {
            throw new IOException("the program has ended");
        }
        final long[] words =
                Arrays.stream(line.split(" ", -1)).mapToLong(Long::parseLong).toArray();
        return new Answers(words[0], words[1], words[2], words[3]);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

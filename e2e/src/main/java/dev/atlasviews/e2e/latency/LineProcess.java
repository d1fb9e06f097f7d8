// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program that answers each line of its standard input with a line, and ends when its input does. */
final class LineProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Writer requests;

    private LineProcess(final Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.requests = process.outputWriter(StandardCharsets.UTF_8);
    }

    static LineProcess start(final List<String> command) throws IOException {
        return new LineProcess(
                new ProcessBuilder(command).redirectError(Redirect.INHERIT).start());
    }

    /** Its answer to a line. */
    String ask(final String what) throws IOException {
        requests.write(what + "\n");
        requests.flush();
        final String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("it ended when asked: " + what);
        }
        return answer;
    }

    /** Asks for something to be done, and fails with its answer unless it was. */
    void demand(final String what) throws IOException {
        final String answer = ask(what);
        if (!answer.equals(PatchAgent.DONE)) {
            throw new IOException("%s: %s".formatted(what, answer));
        }
    }

    @Override
    public void close() {
        try {
            requests.close();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (final IOException e) {
            process.destroyForcibly();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

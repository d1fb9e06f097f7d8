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

/** {@code e2e/exceptions/throw.cc} as it runs. */
final class ThrowingProgram implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Writer requests;

    /**
     * How the calls of its threads ended.
     *
     * @param before as the function of before the change lets them
     * @param after as that of after it
     * @param wrong neither
     */
    record Calls(long before, long after, long wrong) {
        /** Those since then. */
        Calls since(final Calls then) {
            return new Calls(before - then.before, after - then.after, wrong - then.wrong);
        }
    }

    private ThrowingProgram(final Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.requests = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it. It never sleeps, and would keep the few processors of an emulated machine from whoever patches it. */
    static ThrowingProgram start(final String program, final String threads) throws IOException {
        final ThrowingProgram started = new ThrowingProgram(new ProcessBuilder("nice", "-n", "15", program, threads)
                .redirectError(Redirect.INHERIT)
                .start());
        // Until it answers it may still be the other program.
        started.calls();
        return started;
    }

    TargetProcess process() throws IOException {
        return TargetProcess.find(Path.of("/proc"), process.pid())
                .orElseThrow(() -> new IOException("the program has ended"));
    }

    /** The calls until now. */
    Calls calls() throws IOException {
        requests.write("\n");
        requests.flush();
        final String line = answers.readLine();
        if (line == null) {
            throw new IOException("the program has ended");
        }
        final long[] counts =
                Arrays.stream(line.split(" ", -1)).mapToLong(Long::parseLong).toArray();
        return new Calls(counts[0], counts[1], counts[2]);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

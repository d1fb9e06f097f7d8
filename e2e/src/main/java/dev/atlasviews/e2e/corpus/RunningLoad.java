// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Scanner;

/** Requests to a program that go on while its threads move. */
final class RunningLoad implements AutoCloseable {
    private final Process process;
    private final BufferedReader printed;

    private RunningLoad(final Process process) {
        this.process = process;
        printed = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Starts them, and waits until the first is answered.
     *
     * @param command see {@link CorpusRun#load()}
     */
    static RunningLoad start(final ProcessBuilder command) throws IOException, ProgramException {
        final RunningLoad load = new RunningLoad(command.start());
        final String first = Objects.requireNonNullElse(load.printed.readLine(), "nothing");
        if (!first.equals("ready")) {
            load.close();
            throw new ProgramException("its load does not start: " + first);
        }
        return load;
    }

    /**
     * Ends them.
     *
     * @return how many were answered
     * @throws ProgramException if one was not
     */
    long end() throws IOException, ProgramException {
        process.getOutputStream().close();
        String last = "";
        for (String line = printed.readLine(); line != null; line = printed.readLine()) {
            last = line;
        }
        try (Scanner counts = new Scanner(last)) {
            final long answered = counts.hasNextLong() ? counts.nextLong() : 0;
            if (answered == 0 || !counts.hasNextLong() || counts.nextLong() != 0) {
                throw new ProgramException("not all of its load was answered: " + last);
            }
            return answered;
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

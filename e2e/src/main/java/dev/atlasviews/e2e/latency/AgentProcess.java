// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Disturbance;
import dev.atlasviews.e2e.report.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link PatchAgent} that runs. Like the agent on a node it is given little of the processors. */
final class AgentProcess implements Disturbance, AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Writer requests;

    private AgentProcess(final Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.requests = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it with the arguments of {@link PatchAgent#main}. */
    static AgentProcess start(final List<String> arguments) throws IOException {
        final List<String> command = new ArrayList<>(List.of(
                // As the agent's image starts it.
                "chrt",
                "--idle",
                "0",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                PatchAgent.class.getName()));
        command.addAll(arguments);
        return new AgentProcess(
                new ProcessBuilder(command).redirectError(Redirect.INHERIT).start());
    }

    @Override
    public void happen(final Condition condition) throws IOException {
        switch (condition) {
            case UNDISTURBED, CONTROL -> {
                // Nothing is what is measured.
            }
            case LOCAL -> patchAndRevert(Desired.Scope.THREAD);
            case GLOBAL -> patchAndRevert(Desired.Scope.PROCESS);
        }
    }

    /** How long threads were kept from running so far. */
    Report.Held held() throws IOException {
        return new ObjectMapper().readValue(ask(PatchAgent.HELD), Report.Held.class);
    }

    /** How many threads ran with the fix so far, summed over the times it went in. */
    long patched() throws IOException {
        return Long.parseLong(ask(PatchAgent.PATCHED));
    }

    private void patchAndRevert(final Desired.Scope scope) throws IOException {
        for (final String what : List.of("apply", PatchAgent.REVERT)) {
            final String answer = ask(what + " " + scope);
            if (!answer.equals(PatchAgent.DONE)) {
                throw new IOException("%s %s: %s".formatted(what, scope, answer));
            }
        }
    }

    private String ask(final String what) throws IOException {
        requests.write(what + "\n");
        requests.flush();
        final String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("the agent ended");
        }
        return answer;
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

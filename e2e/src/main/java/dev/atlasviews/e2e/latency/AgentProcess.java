// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.e2e.report.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A {@link PatchAgent} that runs. Like the agent on a node it is given little of the processors. */
final class AgentProcess implements AutoCloseable {
    private final LineProcess process;

    private AgentProcess(final LineProcess process) {
        this.process = process;
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
        return new AgentProcess(LineProcess.start(command));
    }

    void patchAndRevert(final Desired.Scope scope) throws IOException {
        for (final String what : List.of("apply", PatchAgent.REVERT)) {
            process.demand(what + " " + scope);
        }
    }

    /** How long threads were kept from running so far. */
    Report.Held held() throws IOException {
        return new ObjectMapper().readValue(process.ask(PatchAgent.HELD), Report.Held.class);
    }

    /** How many threads ran with the fix so far, summed over the times it went in. */
    long patched() throws IOException {
        return Long.parseLong(process.ask(PatchAgent.PATCHED));
    }

    @Override
    public void close() {
        process.close();
    }
}

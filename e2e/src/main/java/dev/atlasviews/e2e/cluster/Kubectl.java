// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The real kubectl, as the cluster's administrator. It goes behind all others on this machine: what it costs would else be
 * taken from the node whose latency is measured.
 */
public final class Kubectl {
    private static final List<String> BEHIND = List.of(
            "setsid",
            "--wait",
            "sh",
            "-c",
            "echo 10 2>/dev/null >/proc/self/autogroup || true; exec nice -n 20 \"$@\"",
            "kubectl");

    private final Path program;
    private final Map<String, String> environment;

    Kubectl(Path program, Path kubeconfig) {
        this.program = program;
        this.environment = Map.of("KUBECONFIG", kubeconfig.toString());
    }

    /**
     * Runs it and waits for its end.
     *
     * @return what it printed
     * @throws ScriptException when it failed
     */
    public String run(String... arguments) {
        return Commands.run(command(arguments), environment).requireSuccess();
    }

    /** Starts it, for what goes on until it is ended. */
    public Process start(String... arguments) {
        return Commands.start(command(arguments), environment);
    }

    private List<String> command(String... arguments) {
        var command = new ArrayList<>(BEHIND);
        command.add(program.toString());
        command.addAll(List.of(arguments));
        return command;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs programs; what they report of their progress goes to our standard error. */
final class Commands {
    private Commands() {}

    /** Runs a program without input and waits for its end. */
    static Output run(List<String> command, Map<String, String> environment) {
        var name = String.join(" ", command);
        try {
            var builder = builder(command, environment);
            var process = builder.redirectInput(Path.of("/dev/null").toFile()).start();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Output(name, process.waitFor(), text);
        } catch (IOException e) {
            throw new ScriptException(name + " can not be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScriptException(name + " was interrupted", e);
        }
    }

    /** Starts a program whose standard input and output are the caller's to use. */
    static Process start(List<String> command, Map<String, String> environment) {
        try {
            return builder(command, environment).start();
        } catch (IOException e) {
            throw new ScriptException(String.join(" ", command) + " can not be run", e);
        }
    }

    private static ProcessBuilder builder(List<String> command, Map<String, String> environment) {
        var builder = new ProcessBuilder(command).redirectError(Redirect.INHERIT);
        builder.environment().putAll(environment);
        return builder;
    }
}

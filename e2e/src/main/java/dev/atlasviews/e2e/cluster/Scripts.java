// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Runs the scripts in {@code e2e/cluster}; what they report of their progress goes to our standard error. */
final class Scripts {
    private final Path directory;

    private Scripts(Path directory) {
        this.directory = directory;
    }

    /** Those of the checkout that the working directory lies in. */
    static Scripts ofThisCheckout() {
        return Stream.iterate(Path.of("").toAbsolutePath(), path -> path != null, Path::getParent)
                .map(path -> path.resolve("e2e/cluster"))
                .filter(path -> Files.isExecutable(path.resolve("control-plane")))
                .findFirst()
                .map(Scripts::new)
                .orElseThrow(() -> new ScriptException("no checkout with e2e/cluster around "
                        + Path.of("").toAbsolutePath() + ": run from inside one"));
    }

    Output run(String script, String... arguments) {
        var command = new ArrayList<String>();
        command.add(directory.resolve(script).toString());
        command.addAll(List.of(arguments));
        var name = String.join(" ", command);
        try {
            var process = new ProcessBuilder(command)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectError(Redirect.INHERIT)
                    .start();
            var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Output(name, process.waitFor(), text);
        } catch (IOException e) {
            throw new ScriptException(name + " can not be run", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScriptException(name + " was interrupted", e);
        }
    }
}

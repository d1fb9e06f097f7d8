// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.cluster;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Runs the scripts of the folder {@code e2e}; what they report of their progress goes to our standard error. */
public final class Scripts {
    private final Path directory;

    private Scripts(Path directory) {
        this.directory = directory;
    }

    /** Those of the checkout that the working directory lies in. */
    public static Scripts ofThisCheckout() {
        return Stream.iterate(Path.of("").toAbsolutePath(), path -> path != null, Path::getParent)
                .map(path -> path.resolve("e2e"))
                .filter(path -> Files.isExecutable(path.resolve("cluster/control-plane")))
                .findFirst()
                .map(Scripts::new)
                .orElseThrow(() -> new ScriptException("no checkout with e2e/cluster around "
                        + Path.of("").toAbsolutePath() + ": run from inside one"));
    }

    /** A file or directory of the checkout, by its path from the top. */
    public Path checkout(String path) {
        return directory.resolveSibling(path);
    }

    /**
     * Runs a script and waits for its end.
     *
     * @param script its path below {@code e2e}
     */
    public Output run(String script, String... arguments) {
        return Commands.run(command(script, arguments), Map.of());
    }

    /**
     * Starts a script whose standard input and output are the caller's to use.
     *
     * @param script its path below {@code e2e}
     */
    public Process start(String script, String... arguments) {
        return Commands.start(command(script, arguments), Map.of());
    }

    private List<String> command(String script, String... arguments) {
        var command = new ArrayList<String>();
        command.add(directory.resolve(script).toString());
        command.addAll(List.of(arguments));
        return command;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.PatchKeys;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code atlas key}. */
@Command(
        name = "key",
        mixinStandardHelpOptions = true,
        description = "Makes a pair of keys to sign patches with: FILE, which only its owner can read, and FILE.pub.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class KeyCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "where to write the private key; must not exist")
    private Path file;

    @Override
    public Integer call() throws Exception {
        PatchKeys.write(PatchKeys.generate(), file, Path.of(file + ".pub"));
        return 0;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** Which files, and what becomes of fields that somebody else has set. */
@SuppressWarnings("NullAway.Init") // set by picocli
final class FileOptions {
    @Option(
            names = {"-f", "--filename"},
            required = true,
            paramLabel = "FILE",
            description = "YAML files")
    private List<Path> files;

    @Option(
            names = "--force-conflicts",
            description = "take over fields that another manager owns, such as a pause by \"kubectl atlas pause\"")
    private boolean forceConflicts;

    List<Path> files() {
        return files;
    }

    boolean forceConflicts() {
        return forceConflicts;
    }
}

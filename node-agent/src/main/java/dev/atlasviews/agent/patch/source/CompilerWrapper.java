// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A directory that goes before all others in a build's {@code PATH}: what is called there as a compiler compiles as the
 * patch builder needs it, and keeps every object file.
 */
final class CompilerWrapper {
    private static final List<String> NAMES = List.of("cc", "gcc", "c++", "g++", "clang", "clang++", "c99", "c89");
    private static final List<String> PREFIXES = List.of("", "x86_64-linux-gnu-");

    private final Path directory;

    private CompilerWrapper(final Path directory) {
        this.directory = directory;
    }

    /** Makes the directory. */
    static CompilerWrapper in(final Path directory) throws IOException {
        Files.createDirectories(directory);
        final Path script = directory.resolve("compiler");
        try (InputStream text = CompilerWrapper.class.getResourceAsStream("compiler")) {
            Files.copy(Objects.requireNonNull(text), script, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (final String prefix : PREFIXES) {
            for (final String name : NAMES) {
                final Path link = directory.resolve(prefix + name);
                if (exists(prefix + name) && !Files.exists(link)) {
                    Files.createSymbolicLink(link, script.getFileName());
                }
            }
        }
        return new CompilerWrapper(directory);
    }

    /** Whether this machine has a command, so that a build finds none that is not there. */
    private static boolean exists(final String command) {
        return List.of(System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1)).stream()
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, command)));
    }

    /** Sets up a command's environment: where its source tree is and where to keep the objects. */
    void addTo(final Map<String, String> environment, final Path tree, final Path objects) {
        final String path = environment.getOrDefault("PATH", "/usr/bin:/bin");
        environment.put("PATH", directory + ":" + path);
        environment.put("ATLAS_TREE", tree.toString());
        environment.put("ATLAS_OBJECTS", objects.toString());
    }
}

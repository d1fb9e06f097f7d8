// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A directory that goes before all others in a build's {@code PATH}: what is called there as a compiler compiles as the
 * patch builder needs it, and keeps every object file.
 */
final class CompilerWrapper {
    /** With the version that distributions have behind them, as {@code gcc-12}. */
    private static final Predicate<String> IS_COMPILER = Pattern.compile(
                    "(x86_64-linux-gnu-)?(cc|gcc|c\\+\\+|g\\+\\+|clang|clang\\+\\+|c99|c89)(-[0-9.]+)?")
            .asMatchPredicate();

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
        for (final String name : compilers()) {
            final Path link = directory.resolve(name);
            if (!Files.exists(link)) {
                Files.createSymbolicLink(link, script.getFileName());
            }
        }
        return new CompilerWrapper(directory);
    }

    /** The compilers that this machine has, so that a build finds none that is not there. */
    private static Set<String> compilers() throws IOException {
        final Set<String> names = new TreeSet<>();
        for (final String folder :
                System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1)) {
            if (Files.isDirectory(Path.of(folder))) {
                try (Stream<Path> files = Files.list(Path.of(folder))) {
                    files.filter(Files::isExecutable)
                            .map(file -> String.valueOf(file.getFileName()))
                            .filter(IS_COMPILER)
                            .forEach(names::add);
                }
            }
        }
        return names;
    }

    /**
     * Sets up a command's environment: where its source tree is, where to keep the objects, and where to say of what calls
     * none is kept.
     */
    void addTo(final Map<String, String> environment, final Path tree, final Path objects, final Path notKept) {
        final String path = environment.getOrDefault("PATH", "/usr/bin:/bin");
        environment.put("PATH", directory + ":" + path);
        environment.put("ATLAS_TREE", tree.toString());
        environment.put("ATLAS_OBJECTS", objects.toString());
        environment.put("ATLAS_NOT_KEPT", notKept.toString());
    }
}

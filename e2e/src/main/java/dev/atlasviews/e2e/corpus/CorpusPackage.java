// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a source package is built, and its fixes.
 *
 * @param without patches that Debian itself takes back before this build
 * @param configure shell command, run once
 * @param build shell command that builds what changed
 * @param targets the programs and libraries that may be patched, by their path in the tree
 * @param hiddenStacks why no fix of it is ever on a stack that the program switches to by itself, which the builder can
 *     not know; null if it has none
 * @param needs Debian packages of which something is run beside what was built
 * @param files files of this machine, or of the tree, that come along to where it is run
 * @param run how a program of it is run to be patched; null if none is
 */
public record CorpusPackage(
        List<String> without,
        String configure,
        String build,
        List<String> targets,
        @Nullable String hiddenStacks,
        List<String> needs,
        List<String> files,
        @Nullable CorpusRun run,
        List<CorpusFix> fixes) {
    /** Takes copies of the lists. */
    public CorpusPackage {
        Objects.requireNonNull(configure, "configure");
        Objects.requireNonNull(build, "build");
        without = List.copyOf(Objects.requireNonNullElse(without, List.of()));
        targets = List.copyOf(targets);
        needs = List.copyOf(Objects.requireNonNullElse(needs, List.of()));
        files = List.copyOf(Objects.requireNonNullElse(files, List.of()));
        fixes = List.copyOf(Objects.requireNonNullElse(fixes, List.of()));
    }

    /** Reads a recipe. */
    public static CorpusPackage read(final Path file) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readValue(file.toFile(), CorpusPackage.class);
    }
}

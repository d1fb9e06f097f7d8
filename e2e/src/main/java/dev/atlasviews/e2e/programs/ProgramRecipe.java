// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.programs;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.atlasviews.e2e.corpus.CorpusRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A program of {@code e2e/programs/programs.yaml}. All commands are those of a {@link CorpusRun}.
 *
 * @param name what it is called
 * @param install the Debian packages that it takes
 * @param start becomes the program
 * @param answers succeeds if it works
 * @param loads makes it load the library; null if it has it from the start
 * @param verify succeeds if it runs the new code; null if that can not be seen from outside
 */
record ProgramRecipe(
        String name,
        List<String> install,
        String start,
        String answers,
        @Nullable String loads,
        @Nullable String verify) {
    ProgramRecipe {
        Objects.requireNonNull(name, "name");
        install = List.copyOf(install);
    }

    /** Reads all of a file. */
    static List<ProgramRecipe> read(final Path file) throws IOException {
        return new ObjectMapper(new YAMLFactory()).readValue(file.toFile(), new TypeReference<>() {});
    }

    /** How it is run. */
    CorpusRun run() {
        return new CorpusRun(start, answers, null);
    }
}

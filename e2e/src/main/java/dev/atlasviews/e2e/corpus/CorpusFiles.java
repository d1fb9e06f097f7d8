// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Where the files of a package are, in the cache and, as far as they are needed there, in the machine that runs them.
 *
 * @param directory of this package
 */
public record CorpusFiles(Path directory) {
    /** The unpacked source. */
    public Path tree() {
        return directory.resolve("tree");
    }

    /** What is kept of a fix. */
    Path fix(final String patch) {
        return directory.resolve("fixes").resolve(name(patch));
    }

    /** The programs and libraries without a fix, by their paths in the tree. */
    public Path programs(final String patch) {
        return fix(patch).resolve("programs");
    }

    /** Where all patch files are. */
    Path patches() {
        return directory.resolve("patches");
    }

    /**
     * The variables of a {@link CorpusRun}'s commands.
     *
     * @param recipes the folder of the recipes
     * @param others the folder of what came along of other packages
     * @param patch the fix that is not in the programs
     */
    public Map<String, String> environment(final Path recipes, final String others, final String patch) {
        return Map.of(
                "RECIPES", recipes.toString(),
                "TREE", tree().toString(),
                "FILES", others,
                "PROGRAMS", programs(patch).toString());
    }

    /** The patch file of a fix for one program or library. */
    Path patch(final String patch, final Path target) {
        final Path file = Objects.requireNonNull(target.getFileName());
        return patches().resolve(name(patch) + "." + file);
    }

    private static String name(final String patch) {
        return patch.replace('/', '_');
    }
}

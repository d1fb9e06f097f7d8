// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a program of a package is run to be patched. Both are shell commands, run in an empty directory, with the functions
 * of {@code e2e/corpus/guest} and these variables: {@code PROGRAMS}, what was built without the fix; {@code TREE} and
 * {@code FILES}, what came along of the source and of other packages; {@code RECIPES}, the folder of the recipes.
 *
 * @param start becomes the program; what it reads is written to the file {@code in}, what it prints is in {@code out}
 * @param answers succeeds if the program works; its process id is {@code PID}
 * @param load asks the program again and again until its own input ends: {@code e2e/corpus/load.py} or what prints the
 *     same; null if the program is idle while its threads move
 */
public record CorpusRun(
        String start, String answers, @Nullable String load) {
    /** Checks that nothing is missing. */
    public CorpusRun {
        Objects.requireNonNull(start, "start");
        Objects.requireNonNull(answers, "answers");
    }
}

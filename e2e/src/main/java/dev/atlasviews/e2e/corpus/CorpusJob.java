// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The part of {@code e2e/corpus/apply} that puts together what is needed to run the programs of a package, by symbolic
 * links: recipes, the files of the package, where they go, the package, and a part of the names of the fixes that are meant.
 */
public final class CorpusJob {
    private final CorpusFiles from;
    private final CorpusFiles into;

    private CorpusJob(final CorpusFiles from, final CorpusFiles into) {
        this.from = from;
        this.into = into;
    }

    /** Makes {@code package} and {@code files} in the given directory; neither where there is nothing to run. */
    public static void main(final String[] arguments) throws IOException {
        final CorpusPackage recipe = CorpusPackage.read(Path.of(arguments[0]).resolve(arguments[3] + ".yaml"));
        final Path directory = Path.of(arguments[2]);
        final CorpusJob job =
                new CorpusJob(new CorpusFiles(Path.of(arguments[1])), new CorpusFiles(directory.resolve("package")));
        if (recipe.run() != null) {
            for (final CorpusFix fix : recipe.fixes()) {
                if (fix.patch().contains(arguments[4])) {
                    job.add(recipe, fix);
                }
            }
            for (final String file : recipe.files()) {
                job.add(directory.resolve("files"), Path.of(file));
            }
        }
    }

    private void add(final CorpusPackage recipe, final CorpusFix fix) throws IOException {
        for (final String target : recipe.targets()) {
            final Path patch = from.patch(fix.patch(), Path.of(target));
            if (Files.exists(patch)) {
                link(patch, into.patch(fix.patch(), Path.of(target)));
                if (!Files.exists(into.programs(fix.patch()))) {
                    link(from.programs(fix.patch()), into.programs(fix.patch()));
                }
            }
        }
    }

    private void add(final Path others, final Path file) throws IOException {
        if (file.isAbsolute()) {
            link(file, others.resolve(Objects.requireNonNull(file.getFileName())));
        } else {
            link(from.tree().resolve(file), into.tree().resolve(file));
        }
    }

    private static void link(final Path file, final Path name) throws IOException {
        Files.createDirectories(Objects.requireNonNull(name.getParent()));
        Files.createSymbolicLink(name, file.toRealPath());
    }
}

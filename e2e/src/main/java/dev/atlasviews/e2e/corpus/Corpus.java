// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.e2e.corpus.CorpusFix.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The program behind {@code e2e/corpus/run}: recipes, unpacked sources, where the report goes, and the packages. */
public final class Corpus {
    private Corpus() {}

    /** Builds the fixes of the named packages and writes the report. */
    public static void main(final String[] arguments) throws IOException {
        final Path recipes = Path.of(arguments[0]);
        final Path sources = Path.of(arguments[1]);
        final CorpusReport report = new CorpusReport(Path.of(arguments[2]));
        for (int i = 3; i < arguments.length; i++) {
            final String name = arguments[i];
            final CorpusPackage recipe = CorpusPackage.read(recipes.resolve(name + ".yaml"));
            final CorpusTree tree = CorpusTree.in(sources.resolve(name), recipe, step -> say(name + ": " + step));
            final CorpusTrial trial = new CorpusTrial(name, tree, recipe);
            final List<CorpusResult> results = new ArrayList<>();
            for (final CorpusFix fix : recipe.fixes()) {
                final CorpusResult result = fix.kind() == Kind.NONE ? trial.leaveOut(fix) : trial.run(fix);
                say("%s: %s: %s %s".formatted(name, fix.patch(), result.outcome(), result.message()));
                results.add(result);
            }
            report.replace(name, results);
        }
    }

    private static void say(final String line) {
        System.err.println(line);
    }
}

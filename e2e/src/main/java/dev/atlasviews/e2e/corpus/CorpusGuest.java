// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.e2e.corpus.Application.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The part of {@code e2e/corpus/apply} that runs where the module is loaded: recipes, the files of a package, other
 * files, and the package. Prints a line for each fix that became a patch: {@link #MARK}, its name, a tab, and an {@link
 * Application} as JSON.
 */
public final class CorpusGuest {
    /** What a line begins with that says what became of a fix. */
    static final String MARK = "APPLICATION ";

    private CorpusGuest() {}

    /** Applies each patch of a package to a program of its own. */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        final Path recipes = Path.of(arguments[0]);
        final CorpusFiles files = new CorpusFiles(Path.of(arguments[1]));
        final CorpusPackage recipe = CorpusPackage.read(recipes.resolve(arguments[3] + ".yaml"));
        final ObjectMapper json = new ObjectMapper();
        try (GuestEngine engine = GuestEngine.open(Path.of("/var/lib/atlas"))) {
            for (final CorpusFix fix : recipe.fixes()) {
                final List<Layer> layers = engine.layers(files, recipe, fix.patch());
                if (!layers.isEmpty()) {
                    final Map<String, String> environment = files.environment(recipes, arguments[2], fix.patch());
                    final CorpusRun run = Objects.requireNonNull(fix.run() == null ? recipe.run() : fix.run());
                    System.out.println(MARK + fix.patch() + "\t"
                            + json.writeValueAsString(
                                    apply(new FixApplication(engine, run, environment, layers, fix.verify()))));
                }
            }
        }
    }

    private static Application apply(final FixApplication fix) throws InterruptedException {
        try {
            return fix.run();
        } catch (final IOException e) {
            return Application.not(Outcome.FAILED, String.valueOf(e.getMessage()));
        }
    }
}

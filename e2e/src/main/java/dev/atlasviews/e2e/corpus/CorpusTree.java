// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchRefusedException;
import dev.atlasviews.agent.patch.source.BuildRecipe;
import dev.atlasviews.agent.patch.source.SourceBuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * A package's unpacked source with all its patches, built once; fixes are taken out and put back one at a time. A tree
 * that was left in between is of no use: it is marked, and unpacked anew by the next run.
 */
final class CorpusTree {
    private static final String READY = "ready";

    private final CorpusFiles files;
    private final String version;
    private final SourceBuild build;
    private final Consumer<String> progress;

    private CorpusTree(
            final CorpusFiles files, final String version, final SourceBuild build, final Consumer<String> progress) {
        this.files = files;
        this.version = version;
        this.build = build;
        this.progress = progress;
    }

    /**
     * The tree of a package.
     *
     * @param directory with the unpacked source in {@code tree} and Debian's version in {@code version}
     */
    static CorpusTree in(final Path directory, final CorpusPackage recipe, final Consumer<String> progress)
            throws IOException {
        final CorpusFiles files = new CorpusFiles(directory);
        Files.createDirectories(files.patches());
        return new CorpusTree(
                files,
                Files.readString(directory.resolve("version")).strip(),
                SourceBuild.inPlace(
                        files.tree(), directory.resolve("work"), new BuildRecipe(command(recipe), true), progress),
                progress);
    }

    /** Builds the package in whole unless that is done. */
    private void prepare() throws IOException {
        if (!Files.exists(ready())) {
            progress.accept("building it with all its patches");
            build.prepare();
            Files.createFile(ready());
        }
    }

    /** Debian's flags, then the package's own commands. */
    private static String command(final CorpusPackage recipe) {
        return """
            set -e
            export DEB_BUILD_MAINT_OPTIONS=hardening=+all SOURCE_DATE_EPOCH=1700000000
            eval "$(dpkg-buildflags --export=sh)"
            [ -e .configured ] || { ( %s ) && touch .configured; }
            %s
            """.formatted(recipe.configure(), recipe.build());
    }

    private Path ready() {
        return files.directory().resolve(READY);
    }

    String version() {
        return version;
    }

    /** Where the patch of a fix for one program or library goes. */
    Path patch(final String patch, final Path target) {
        return files.patch(patch, target);
    }

    /** Builds the package without and with a fix, unless that was done by an earlier run. */
    SourceBuild.Result changedBy(final String patch, final List<Path> targets)
            throws IOException, PatchRefusedException {
        final Path kept = files.fix(patch);
        final Path complete = kept.resolve("base");
        if (!Files.exists(complete)) {
            prepare();
            Files.delete(ready());
            final SourceBuild.Result result =
                    build.changedBy(files.tree().resolve("debian/patches").resolve(patch), targets);
            Files.createFile(ready());
            SourceBuild.delete(kept);
            for (final ObjectPair pair : result.pairs()) {
                link(pair.before(), kept.resolve("before").resolve(pair.unit()));
                link(pair.after(), kept.resolve("after").resolve(pair.unit()));
            }
            for (int i = 0; i < targets.size(); i++) {
                link(result.programs().get(i), files.programs(patch).resolve(targets.get(i)));
            }
            Files.writeString(complete, result.base().name());
        }
        return new SourceBuild.Result(
                ObjectPair.find(kept.resolve("before"), kept.resolve("after")),
                targets.stream().map(files.programs(patch)::resolve).toList(),
                SourceBuild.Base.valueOf(Files.readString(complete)));
    }

    /** The next build makes its files anew, so that a second name is enough to keep one. */
    private static void link(final Path file, final Path name) throws IOException {
        Files.createDirectories(name.getParent());
        Files.createLink(name, file);
    }
}

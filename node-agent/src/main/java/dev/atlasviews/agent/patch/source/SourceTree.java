// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A source tree that changes are applied to and taken back from. Those of a Debian package, in {@code debian/patches}, are
 * known by their order.
 */
final class SourceTree {
    private static final String SERIES = "debian/patches/series";

    private final Path directory;
    private final Path log;

    SourceTree(final Path directory, final Path log) {
        this.directory = directory;
        this.log = log;
    }

    Path directory() {
        return directory;
    }

    /** Applies what a Debian package has in {@code debian/patches} unless that is done. */
    void prepare() throws IOException {
        if (Files.exists(directory.resolve(SERIES)) && !Files.exists(directory.resolve(".pc/applied-patches"))) {
            command().run("applying debian/patches", List.of("dpkg-source", "--before-build", "."));
        }
    }

    /** Which of the tree's own applied patches a file is, by its content; empty if it is none of them. */
    Optional<String> ownPatch(final Path patch) throws IOException {
        if (!Files.exists(directory.resolve(SERIES))) {
            return Optional.empty();
        }
        for (final String name : series()) {
            final Path own = directory.resolve("debian/patches").resolve(name);
            if (Files.exists(own) && Files.mismatch(own, patch) < 0) {
                return Optional.of(name);
            }
        }
        return Optional.empty();
    }

    /** The tree's own patches in the order in which they are applied. */
    private List<String> series() throws IOException {
        final List<String> names = new ArrayList<>();
        for (final String line : Files.readAllLines(directory.resolve(SERIES))) {
            final String name = line.replaceFirst("(^|\\s)#.*", "").strip().split("\\s", 2)[0];
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
        return names;
    }

    /** The own patches from this one on, in order. */
    List<Path> from(final String name) throws IOException {
        final List<String> series = series();
        return series.subList(series.indexOf(name), series.size()).stream()
                .map(each -> directory.resolve("debian/patches").resolve(each))
                .toList();
    }

    /** Applies a patch. */
    void apply(final Path patch) throws IOException {
        change(patch, List.of());
    }

    /** Takes a patch back. */
    void takeBack(final Path patch) throws IOException {
        change(patch, List.of("-R"));
    }

    /** Whether a patch can be taken back though others were applied after it. */
    boolean canTakeBack(final Path patch) throws IOException {
        return command().succeeds(words(patch, List.of("-R", "--dry-run")));
    }

    private void change(final Path patch, final List<String> options) throws IOException {
        command().run((options.isEmpty() ? "applying " : "taking back ") + patch, words(patch, options));
    }

    private static List<String> words(final Path patch, final List<String> options) {
        final List<String> words =
                new ArrayList<>(List.of("patch", "-p1", "--force", "--no-backup-if-mismatch", "--reject-file=-"));
        words.addAll(options);
        words.addAll(List.of("-i", patch.toAbsolutePath().toString()));
        return words;
    }

    private Command command() {
        return new Command(directory, log, _ -> {});
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchRefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Builds a source tree twice, without and with a change, in the same place and with the same command, and keeps the
 * object files of both builds.
 *
 * <p>A change that is one of the tree's own {@code debian/patches} is taken back for the first build; if later ones build
 * on it, they are taken back too, for both builds.
 */
public final class SourceBuild {
    /** A file beside a kept object that has the path of its source in the tree. */
    private static final String SOURCE = ".source";

    private static final int MOST_CALLS = 3;

    private final Path work;
    private final SourceTree tree;
    private final BuildRecipe recipe;
    private final CompilerWrapper wrapper;
    private final Consumer<String> progress;

    private SourceBuild(
            final Path work, final SourceTree tree, final BuildRecipe recipe, final Consumer<String> progress)
            throws IOException {
        this.work = work;
        this.tree = tree;
        this.recipe = recipe;
        this.progress = progress;
        this.wrapper = CompilerWrapper.in(work.resolve("bin"));
    }

    /** How the tree without the change was made. */
    public enum Base {
        /** The change is not the tree's own: it was applied to the tree as it is. */
        TREE,
        /** The tree with all its own patches but this one. */
        ALL_OTHERS,
        /** The tree with its own patches before this one, as those after it build on it. */
        EARLIER_ONES
    }

    /**
     * What was built.
     *
     * @param pairs the objects before and after the change
     * @param programs the files that were asked for, as they were before the change
     */
    public record Result(List<ObjectPair> pairs, List<Path> programs, Base base) {
        /** Takes copies of the lists. */
        public Result {
            pairs = List.copyOf(pairs);
            programs = List.copyOf(programs);
        }
    }

    /**
     * A build in a copy of a tree.
     *
     * @param work a directory for the copy, the objects and the log; it may have been used for the same before
     * @param progress is told what is being done
     */
    public static SourceBuild inCopy(
            final Path source, final Path work, final BuildRecipe recipe, final Consumer<String> progress)
            throws IOException {
        Files.createDirectories(work);
        final Path copy = work.toRealPath().resolve("tree");
        replace(source.toRealPath(), copy);
        return new SourceBuild(work.toRealPath(), new SourceTree(copy, log(work)), recipe, progress);
    }

    /**
     * A build in the tree itself, which is left with the change; what was built there before is used.
     *
     * @param work a directory for the objects and the log
     */
    public static SourceBuild inPlace(
            final Path source, final Path work, final BuildRecipe recipe, final Consumer<String> progress)
            throws IOException {
        Files.createDirectories(work);
        return new SourceBuild(work.toRealPath(), new SourceTree(source.toRealPath(), log(work)), recipe, progress);
    }

    private static Path log(final Path work) throws IOException {
        return work.toRealPath().resolve("build.log");
    }

    /** Builds the tree as it is, and keeps the objects for {@link #changedBy}. */
    public void prepare() throws IOException {
        tree.prepare();
        progress.accept("building " + tree.directory());
        build(objects("whole"));
    }

    /**
     * Builds without and with a change.
     *
     * @param programs files to keep as they are before the change, by their path in the tree
     * @throws PatchRefusedException if no object file was made at all
     */
    public Result changedBy(final Path patch, final List<Path> programs) throws IOException, PatchRefusedException {
        tree.prepare();
        final Optional<String> own = tree.ownPatch(patch);
        final Deque<Path> withdrawn = new ArrayDeque<>();
        try {
            final Path before = work.resolve("objects/before");
            final Base base = buildWithout(own, withdrawn, before);
            final List<Path> kept = keep(programs);
            final Map<Path, Path> sources = sources(before);
            if (!recipe.again()) {
                replace(work.resolve("fresh"), tree.directory());
            }
            tree.apply(patch);
            withdrawn.poll();
            final Path after = work.resolve("objects/after");
            replace(before, after);
            progress.accept("building with the change");
            build(after);
            deleteStale(after, sources);
            return new Result(ObjectPair.find(before, after), kept, base);
        } finally {
            for (final Path later : withdrawn) {
                tree.apply(later);
            }
        }
    }

    /** Where the kept objects' sources are in the tree, by the path of the file that says so; without those that are gone. */
    private Map<Path, Path> sources(final Path objects) throws IOException {
        final Map<Path, Path> sources = new HashMap<>();
        try (Stream<Path> files = Files.walk(objects)) {
            for (final Path file :
                    files.filter(each -> each.toString().endsWith(SOURCE)).toList()) {
                final Path source = tree.directory().resolve(Files.readString(file));
                if (Files.exists(source)) {
                    sources.put(objects.relativize(file), source);
                }
            }
        }
        return sources;
    }

    /** Deletes the objects of sources that the change took away: the build has no use for them, and leaves them. */
    private static void deleteStale(final Path objects, final Map<Path, Path> sources) throws IOException {
        for (final Map.Entry<Path, Path> each : sources.entrySet()) {
            if (!Files.exists(each.getValue())) {
                final String object = objects.resolve(each.getKey()).toString();
                Files.deleteIfExists(Path.of(object.substring(0, object.length() - SOURCE.length())));
            }
        }
    }

    /** Builds without one of the tree's own patches; without those after it too where there is no other way. */
    private Base buildWithout(final Optional<String> own, final Deque<Path> withdrawn, final Path objects)
            throws IOException {
        progress.accept("building without the change");
        if (own.isEmpty()) {
            buildFresh(objects);
            return Base.TREE;
        }
        final List<Path> from = tree.from(own.get());
        if (tree.canTakeBack(from.getFirst())) {
            takeBack(from.getFirst(), withdrawn);
            try {
                buildFresh(objects);
                return Base.ALL_OTHERS;
            } catch (final SourceBuildException e) {
                progress.accept("later patches build on this one: building without them");
                if (!recipe.again()) {
                    replace(work.resolve("fresh"), tree.directory());
                }
                tree.apply(withdrawn.remove());
            }
        }
        for (final Path each : from.reversed()) {
            takeBack(each, withdrawn);
        }
        buildFresh(objects);
        return Base.EARLIER_ONES;
    }

    private void takeBack(final Path patch, final Deque<Path> withdrawn) throws IOException {
        tree.takeBack(patch);
        withdrawn.push(patch);
    }

    private void buildFresh(final Path objects) throws IOException {
        if (!recipe.again()) {
            replace(tree.directory(), work.resolve("fresh"));
        }
        seed(objects);
        build(objects);
        try (Stream<Path> made = Files.list(objects)) {
            if (made.findAny().isEmpty()) {
                throw new SourceBuildException(
                        "the build compiles nothing that is seen. Either the tree is built already: give one that is"
                                + " not, or by --build a command that makes everything, such as 'make -B'. Or the build"
                                + " names its compiler by an absolute path: see to it that it is found by PATH, as by"
                                + " --build 'make CC=gcc'. The log is " + log(work));
            }
        }
    }

    /** Objects that an incremental build does not make again are those of the build before it. */
    private void seed(final Path objects) throws IOException {
        final Path whole = work.resolve("objects/whole");
        if (Files.exists(whole)) {
            replace(whole, objects);
        } else {
            objects("before");
        }
    }

    private Path objects(final String name) throws IOException {
        final Path objects = work.resolve("objects").resolve(name);
        delete(objects);
        Files.createDirectories(objects);
        return objects;
    }

    private void build(final Path objects) throws IOException {
        final Path notKept = work.resolve("not-kept.log");
        Files.deleteIfExists(notKept);
        new Command(tree.directory(), log(work), environment -> {
                    environment.put("LC_ALL", "C.UTF-8");
                    wrapper.addTo(environment, tree.directory(), objects, notKept);
                })
                .run("the build", List.of("/bin/sh", "-c", recipe.command()));
        if (Files.exists(notKept)) {
            progress.accept("what these calls of compilers make is not seen, see " + notKept + ":");
            try (Stream<String> calls = Files.lines(notKept)) {
                calls.limit(MOST_CALLS).forEach(progress);
            }
        }
    }

    private List<Path> keep(final List<Path> programs) throws IOException {
        final List<Path> kept = new ArrayList<>();
        for (final Path program : programs) {
            final Path libtools = program.resolveSibling(".libs/" + program.getFileName());
            if (Files.exists(tree.directory().resolve(libtools))) {
                throw new SourceBuildException(program + " is a script of libtool; the program is " + libtools);
            }
            final Path copy = work.resolve("programs").resolve(program);
            Files.createDirectories(copy.getParent());
            Files.copy(tree.directory().resolve(program), copy, StandardCopyOption.REPLACE_EXISTING);
            kept.add(copy);
        }
        return kept;
    }

    /** Makes one directory a copy of another, times included: builds go by them. */
    private static void replace(final Path from, final Path to) throws IOException {
        delete(to);
        Files.createDirectories(to.getParent());
        final Path log = Files.createTempFile("atlas-copy", ".log");
        try {
            new Command(from, log, _ -> {}).run("copying " + from, List.of("cp", "-a", ".", to.toString()));
        } finally {
            Files.delete(log);
        }
    }

    /** Deletes a directory with all in it, if it is there. */
    public static void delete(final Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (final Path file :
                    files.sorted((one, other) -> other.compareTo(one)).toList()) {
                Files.delete(file);
            }
        }
    }
}

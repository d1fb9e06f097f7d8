// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An object file before and after a change; of one that only one side has, the other does not exist.
 *
 * @param unit what messages call it: the path within the compared directories
 */
public record ObjectPair(String unit, Path before, Path after) {
    /**
     * Pairs two object files, or all object files ({@code *.o}) of two directories by their relative path.
     *
     * @throws PatchRefusedException if the directories have nothing in common
     */
    public static List<ObjectPair> find(final Path before, final Path after) throws IOException, PatchRefusedException {
        if (!Files.isDirectory(before) || !Files.isDirectory(after)) {
            return found(before, after, List.of(new ObjectPair(String.valueOf(after.getFileName()), before, after)));
        }
        final SortedSet<String> units = objects(before);
        units.addAll(objects(after));
        final List<ObjectPair> pairs = new ArrayList<>();
        for (final String unit : units) {
            pairs.add(new ObjectPair(unit, before.resolve(unit), after.resolve(unit)));
        }
        return found(before, after, pairs);
    }

    private static List<ObjectPair> found(final Path before, final Path after, final List<ObjectPair> pairs)
            throws PatchRefusedException {
        if (pairs.stream().allMatch(ObjectPair::isAlone)) {
            throw new PatchRefusedException(Refusal.MISSING_OBJECT, String.valueOf(before), String.valueOf(after));
        }
        return pairs;
    }

    private static SortedSet<String> objects(final Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(".o") && Files.isRegularFile(file))
                    .map(file -> directory.relativize(file).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (final UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Whether only one side has it, which leaves nothing to compare. */
    boolean isAlone() {
        return !Files.exists(before) || !Files.exists(after);
    }

    /** Whether the two files have the same bytes. */
    boolean isSame() throws IOException {
        return Files.mismatch(before, after) < 0;
    }
}

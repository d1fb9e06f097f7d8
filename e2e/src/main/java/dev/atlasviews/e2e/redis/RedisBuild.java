// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.e2e.cluster.Scripts;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What {@code e2e/redis/build} made.
 *
 * @param version Debian's version of the source package
 * @param before directory with the object files of the running program
 * @param after the same with the fixes
 * @param server the running program
 */
public record RedisBuild(String version, Path before, Path after, Path server) {
    /** Compiles Redis where that was not done before; a few minutes then. */
    public static RedisBuild make(Scripts scripts) {
        Map<String, String> values = scripts.run("redis/build")
                .requireSuccess()
                .lines()
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        return new RedisBuild(
                required(values, "VERSION"),
                Path.of(required(values, "BEFORE")),
                Path.of(required(values, "AFTER")),
                Path.of(required(values, "SERVER")));
    }

    private static String required(Map<String, String> values, String name) {
        return Objects.requireNonNull(values.get(name), name);
    }
}

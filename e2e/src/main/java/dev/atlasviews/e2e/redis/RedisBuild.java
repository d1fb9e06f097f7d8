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
    /** The function in which the background threads, whose names begin with "bio_", wait for work. It never returns. */
    public static final String LOOP = "bioProcessBackgroundJobs";

    /** Compiles Redis where that was not done before; a few minutes then. */
    public static RedisBuild make(Scripts scripts) {
        var values = values(scripts, "redis/build");
        return new RedisBuild(
                required(values, "VERSION"),
                Path.of(required(values, "BEFORE")),
                Path.of(required(values, "AFTER")),
                Path.of(required(values, "SERVER")));
    }

    /** The same with one more fix, in the function {@value #LOOP}. Takes seconds, where that was not done before. */
    public RedisBuild withLoop(Scripts scripts) {
        return new RedisBuild(version, before, Path.of(required(values(scripts, "redis/build-loop"), "AFTER")), server);
    }

    private static Map<String, String> values(Scripts scripts, String script) {
        return scripts.run(script)
                .requireSuccess()
                .lines()
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    private static String required(Map<String, String> values, String name) {
        return Objects.requireNonNull(values.get(name), name);
    }
}

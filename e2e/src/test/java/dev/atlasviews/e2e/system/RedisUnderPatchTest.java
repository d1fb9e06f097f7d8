// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisFix;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Tests of which each has a {@link RedisUnderPatch} of its own. */
@ExtendWith(SystemExtension.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
abstract class RedisUnderPatchTest {
    private static RedisFix fix;

    /** The one of the run. */
    protected AtlasSystem system;
    /** Started for the test, and stopped after it. */
    @AutoClose
    protected RedisUnderPatch redis;
    /** What is done with its ViewPatch. */
    protected PatchCycle cycle;

    @BeforeAll
    static void buildFix(@TempDir Path directory) throws IOException {
        fix = RedisUnderPatch.buildFix(directory);
    }

    @BeforeEach
    void startRedis(AtlasSystem running) throws IOException {
        system = running;
        redis = RedisUnderPatch.start(system, fix);
        cycle = redis.cycle();
    }
}

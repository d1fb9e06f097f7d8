// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.load.DataSet;
import dev.atlasviews.e2e.load.Load;
import dev.atlasviews.e2e.load.LoadGenerator;
import dev.atlasviews.e2e.load.RedisClients;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.Observer;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A process that was patched and reverted two hundred times under load is as it was. */
@ExtendWith(SystemExtension.class)
class CyclesIT {
    private static final int WARM_UP = 10;
    private static final int CYCLES = 200;
    /** Every so many cycles all threads move at one instant. */
    private static final int TOGETHER = 4;

    private static final DataSet DATA = new DataSet(2_000, 128, 8);
    /** What a process may have grown by for reasons of its own: buffers of its clients, arenas of its allocator. */
    private static final long SLACK_KIB = 2048;

    @Test
    void leaveNothingBehind(AtlasSystem system, @TempDir Path directory) throws Exception {
        var fix = RedisFix.build(
                RedisBuild.make(Scripts.ofThisCheckout()),
                directory.resolve("redis.patch"),
                new PrintWriter(System.err, false, StandardCharsets.UTF_8));
        try (var redis = RedisPod.start(system, "redis")) {
            try (var connection = redis.connect()) {
                DATA.store(connection);
            }
            var cycle = new PatchCycle(system, fix);
            try (var load = LoadGenerator.start(
                            new Load(100, 6, new RedisClients(redis.address(), RedisPod.PORT, DATA, 1)));
                    var observer = Observer.start(system.node(), redis.pid(), Observer.NOWHERE, Observer.NOWHERE)) {
                patchAndRevert(cycle, WARM_UP);
                var warm = observer.look();
                patchAndRevert(cycle, CYCLES);
                assertAsItWas(warm, observer.look());
                assertThat(load.counts().errors())
                        .as(load.counts().firstError())
                        .isZero();
                assertThat(load.counts().reconnects()).isZero();
            }
            try (var connection = redis.connect()) {
                assertThat(DATA.countIntact(connection)).isEqualTo(DATA.size());
            }
        }
        system.node().requireCleanKernelLog();
    }

    private static void patchAndRevert(PatchCycle cycle, int times) throws IOException {
        for (int i = 0; i < times; i++) {
            cycle.apply("cycle", i % TOGETHER == 0 ? QuiescenceScope.PROCESS : QuiescenceScope.THREAD);
            cycle.revert("cycle");
        }
    }

    private static void assertAsItWas(Observation warm, Observation end) {
        assertThat(end.startTime()).isEqualTo(warm.startTime());
        assertThat(end.interrupted()).as("interrupted system calls").isZero();
        assertThat(end.threads()).allSatisfy(thread -> assertThat(thread.view()).isZero());
        assertThat(end.stat("views_created") - warm.stat("views_created")).isGreaterThanOrEqualTo(CYCLES);
        assertThat(end.stat("pages")).as("pages of views in the kernel").isZero();
        assertThat(end.stat("retained_bytes"))
                .as("one copy of the patch, for ever")
                .isEqualTo(warm.stat("retained_bytes"));
        assertThat(end.residentKib())
                .as("resident memory of the process, KiB")
                .isLessThan(warm.residentKib() + SLACK_KIB);
    }
}

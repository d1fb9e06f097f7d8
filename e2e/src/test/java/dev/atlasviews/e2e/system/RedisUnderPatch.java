// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.load.DataSet;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;

/** A Redis server with data in a pod, and the ViewPatch of its fix, as one sees them who looks for harm. */
final class RedisUnderPatch implements AutoCloseable {
    /** For what takes seconds, on a host that is busy. */
    static final Duration LIMIT = Duration.ofMinutes(4);
    /** The name of the ViewPatch. */
    static final String PATCH = "fault";

    private static final DataSet DATA = new DataSet(500, 128, 4);

    private final AtlasSystem system;
    private final PatchCycle cycle;
    private RedisPod redis;

    private RedisUnderPatch(AtlasSystem system, PatchCycle cycle, RedisPod redis) {
        this.system = system;
        this.cycle = cycle;
        this.redis = redis;
    }

    /** Builds the fix, into that directory. */
    static RedisFix buildFix(Path directory) throws IOException {
        return build(RedisBuild.make(Scripts.ofThisCheckout()), directory.resolve("redis.patch"));
    }

    /** Builds the fix with a change of {@link RedisBuild#LOOP}, into that directory. */
    static RedisFix buildFixWithLoop(Path directory) throws IOException {
        var scripts = Scripts.ofThisCheckout();
        return build(RedisBuild.make(scripts).withLoop(scripts), directory.resolve("loop.patch"));
    }

    private static RedisFix build(RedisBuild redis, Path output) throws IOException {
        return RedisFix.build(redis, output, new PrintWriter(System.err, false, StandardCharsets.UTF_8));
    }

    /** Starts the server on a node whose agent is there, and stores the data. */
    static RedisUnderPatch start(AtlasSystem system, RedisFix fix) throws IOException {
        system.awaitAgent();
        return new RedisUnderPatch(system, new PatchCycle(system, fix), startPod(system));
    }

    private static RedisPod startPod(AtlasSystem system) {
        var redis = RedisPod.start(system, "redis");
        try (var connection = redis.connect()) {
            DATA.store(connection);
        }
        return redis;
    }

    /** The server's pod. */
    RedisPod pod() {
        return redis;
    }

    /** Another pod of the name, in the place of one that is gone. */
    void startAnotherPod() {
        redis = startPod(system);
    }

    /** What is done with the ViewPatch. */
    PatchCycle cycle() {
        return cycle;
    }

    /** Takes the ViewPatch back and deletes the pod. */
    @Override
    public void close() {
        try {
            cycle.revertIfThere(PATCH);
        } finally {
            redis.close();
        }
        system.node().requireCleanKernelLog();
    }

    /** What the kernel says of the server's process now. */
    Observation look() {
        return redis.look();
    }

    /** The ViewPatch as it is now; null when it is gone. */
    @Nullable
    ViewPatch patch() {
        return cycle.find(PATCH);
    }

    /** Changes the ViewPatch by a merge patch, in which an apostrophe stands for a quotation mark. */
    void change(String patch) {
        system.kubectl()
                .run(
                        "patch",
                        "--namespace=" + RedisPod.NAMESPACE,
                        "viewpatch/" + PATCH,
                        "--type=merge",
                        "--patch=" + patch.replace('\'', '"'));
    }

    /** Creates the ViewPatch and interrupts when the agent has built the view; asserts that this was in time. */
    void interruptAfterViewIsReady(Rollout rollout, Runnable interruption) throws Exception {
        var ready = new CountDownLatch(1);
        var log = system.followAgentLog();
        Thread.ofPlatform()
                .daemon()
                .start(() -> log.inputReader(StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.contains("VIEW_READY"))
                        .forEach(line -> ready.countDown()));
        try (var observer = redis.observe()) {
            // The log is followed from here on, not a moment later.
            await().until(log::isAlive);
            cycle.create(PATCH, QuiescenceScope.THREAD, rollout);
            assertThat(ready.await(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .as("a view was built")
                    .isTrue();
            var seen = observer.look();
            assertThat(seen.stat("views_created")).isEqualTo(1);
            assertThat(seen.threads())
                    .as("in the middle: not all threads have moved")
                    .anySatisfy(thread -> assertThat(thread.view()).isZero());
            interruption.run();
        } finally {
            log.destroy();
        }
    }

    /** Waits until the kubelet says that the container was started again. */
    void awaitRestart() {
        await("the container is started again").atMost(LIMIT).until(() -> redis.restarts() > 0);
    }

    /** Waits until all threads of the one process of the container that runs now run the new code. */
    void awaitAllThreadsPatched() {
        await("the process is patched")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(redis.podView())
                        .extracting(PodView::getStatus)
                        .isNotNull()
                        .satisfies(status -> assertThat(status.processes())
                                .singleElement()
                                .satisfies(process -> {
                                    assertThat(process.containerId()).isEqualTo(redis.containerId());
                                    assertThat(process.threads().moved())
                                            .isEqualTo(process.threads().total())
                                            .isPositive();
                                })));
    }

    /** Asserts that it is the process that started then, behaves like that, and has all its data. */
    void assertUnharmed(long started, String behaviour) {
        assertThat(redis.findProcess()).isEqualTo(redis.pid());
        assertThat(look().startTime()).isEqualTo(started);
        assertThat(redis.behaviour()).isEqualTo(behaviour);
        try (var connection = redis.connect()) {
            assertThat(DATA.countIntact(connection)).isEqualTo(DATA.size());
        }
    }

    /** Asserts that the background thread that frees memory does so: what is large is freed there. */
    void assertFreesInBackground() {
        try (var connection = redis.connect()) {
            long before = freedInBackground(connection);
            connection.sadd(
                    "large",
                    IntStream.range(0, 1000).mapToObj(i -> "member " + i).toArray(String[]::new));
            assertThat(connection.unlink("large")).isEqualTo(1);
            await("it is freed").atMost(LIMIT).until(() -> freedInBackground(connection) > before);
        }
    }

    private static long freedInBackground(Jedis connection) {
        return connection
                .info("memory")
                .lines()
                .filter(line -> line.startsWith("lazyfreed_objects:"))
                .mapToLong(line ->
                        Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
                .sum();
    }

    /** Asserts that no thread is in a view, and that no page and no object is left. */
    void assertNothingIsLeft() {
        assertThat(look().threads())
                .allSatisfy(thread -> assertThat(thread.view()).isZero());
        await().atMost(LIMIT)
                .untilAsserted(() ->
                        assertThat(look().stat("pages")).as("pages of views").isZero());
        await().atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(redis.podView()).as("the PodView").isNull());
    }
}

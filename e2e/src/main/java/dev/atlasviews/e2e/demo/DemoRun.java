// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.e2e.cluster.ScriptException;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.load.DataSet;
import dev.atlasviews.e2e.load.Load;
import dev.atlasviews.e2e.load.LoadCounts;
import dev.atlasviews.e2e.load.LoadGenerator;
import dev.atlasviews.e2e.load.RedisBenchmark;
import dev.atlasviews.e2e.load.RedisClients;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Windows;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.Observer;
import dev.atlasviews.e2e.observe.ThreadCount;
import dev.atlasviews.e2e.picture.LatencyPicture;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import dev.atlasviews.e2e.report.Report;
import dev.atlasviews.e2e.system.AtlasSystem;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One run of the demo, from top to bottom. */
final class DemoRun {
    private static final DataSet DATA = new DataSet(20_000, 128, 64);
    /** Requests per second of the open load: the emulated processors have time left. */
    private static final int RATE = 300;

    /** Fewer than the eight pending clients at which Redis wakes its io-threads, whose busy waiting needs a processor each. */
    private static final int CONNECTIONS = 6;

    /** Unmeasured patches and reverts before the first window. */
    private static final int WARM_UPS = 10;

    private static final double PERCENTILE = 99.5;
    private static final double BAR = 1.3;
    private static final String LOCAL_COLOUR = "#1f8a4c";
    private static final String GLOBAL_COLOUR = "#c8442f";
    private static final String UNDISTURBED_COLOUR = "#52606d";

    private final Path output;
    private final int blocks;
    private final Narrator narrator;
    private final Verification verification = new Verification();

    /** What the measurement gave. */
    private record Measured(Windows windows, LoadCounts load, Report.Held held, long interrupted) {}

    /**
     * A run.
     *
     * @param output directory for the picture, the patch and the cluster's logs
     * @param blocks measured windows of each condition; from two on latencies are judged
     */
    DemoRun(Path output, int blocks, Narrator narrator) {
        this.output = output;
        this.blocks = blocks;
        this.narrator = narrator;
    }

    /** Runs it on a cluster of its own. */
    Report run() throws IOException, InterruptedException {
        narrator.chapter("a cluster, a node with its own kernel, ATLAS by Helm");
        try (var system = AtlasSystem.start(output.resolve("cluster"), this::started)) {
            narrator.command("kubectl get nodes,viewnodes -o wide");
            narrator.quote(system.kubectl().run("get", "nodes,viewnodes", "-o", "wide"));
            return on(system);
        }
    }

    /** Runs it on a cluster that is there. */
    Report on(AtlasSystem system) throws IOException, InterruptedException {
        narrator.chapter("Redis from Debian's source, without and with three of its security fixes");
        narrator.begin();
        var build = RedisBuild.make(Scripts.ofThisCheckout());
        narrator.say("version " + build.version());
        var fix = buildPatch(build);
        narrator.done("patchBuild");
        narrator.chapter("a pod with redis-server and a data set");
        narrator.begin();
        try (var redis = RedisPod.start(system, "redis")) {
            try (var connection = redis.connect()) {
                DATA.store(connection);
            }
            narrator.done("redis");
            return patch(system, redis, build, fix);
        }
    }

    private RedisFix buildPatch(RedisBuild build) throws IOException {
        narrator.command("atlas build --before before/ --after after/ --target redis-server -o redis.patch");
        var printed = new StringWriter();
        try {
            return RedisFix.build(build, output.resolve("redis.patch"), new PrintWriter(printed));
        } finally {
            narrator.quote(printed.toString());
        }
    }

    private void started(String part) {
        narrator.done(part);
        narrator.say(part + " ready");
    }

    private Report patch(AtlasSystem system, RedisPod redis, RedisBuild build, RedisFix fix)
            throws IOException, InterruptedException {
        int keysBefore = countIntact(redis);
        narrator.say("process %d holds %d keys".formatted(redis.pid(), keysBefore));
        var cycle = new PatchCycle(system, fix);
        var story = story(system, redis, build, fix, cycle);
        narrator.begin();
        var measured = measure(system, redis, cycle);
        narrator.done("measure");
        var process = new Report.ProcessIdentity(
                redis.findProcess() == redis.pid(),
                story.before().startTime() == look(system, redis).startTime(),
                keysBefore,
                countIntact(redis));
        verification.story(story);
        verification.requests("requests while it was measured", measured.load());
        verification.interrupted(measured.interrupted());
        verification.process(process);
        verification.kernelLog(isKernelLogClean(system));
        var comparison = blocks < 2 ? null : Comparison.of(measured.windows(), PERCENTILE, BAR);
        Optional.ofNullable(comparison).ifPresent(verification::latency);
        return new Report(
                system.node().kernel(),
                new Report.Threads(story.patched().threads().size(), (int) story.moved()),
                narrator.stepsMillis(),
                requests(story.load()),
                story.interrupted() + measured.interrupted(),
                new Report.Latencies(
                        quantiles(measured, Condition.UNDISTURBED),
                        quantiles(measured, Condition.LOCAL),
                        quantiles(measured, Condition.GLOBAL)),
                story.behaviour(),
                process,
                threadTable(story),
                comparison,
                measured.held(),
                requests(story.benchmark()),
                story.marks(),
                verification.checks());
    }

    private StoryResult story(AtlasSystem system, RedisPod redis, RedisBuild build, RedisFix fix, PatchCycle cycle)
            throws IOException {
        try (var load = LoadGenerator.start(load(redis));
                // Values of more than 44 bytes are made by the patched function; enough clients wake the io-threads.
                var benchmark =
                        RedisBenchmark.start(redis.address(), RedisPod.PORT, 50, 1, 128, 500, Duration.ofMinutes(2))) {
            return new Story(system, redis, build, fix, cycle, narrator).tell(load, benchmark, output);
        }
    }

    private Measured measure(AtlasSystem system, RedisPod redis, PatchCycle cycle)
            throws IOException, InterruptedException {
        narrator.chapter(
                "measured: %d windows each of undisturbed, undisturbed again, local, global".formatted(blocks));
        try (var observer = Observer.start(system.node(), redis.pid(), Observer.NOWHERE, Observer.NOWHERE);
                var load = LoadGenerator.start(load(redis))) {
            var measurement = new Measurement(load, cycle);
            var windows = measurement.windows(blocks < 2 ? 0 : WARM_UPS, blocks, this::sayNewest);
            Observation counted = observer.look();
            draw(system, windows, measurement);
            return new Measured(
                    windows,
                    load.counts(),
                    new Report.Held(
                            counted.stat("check_ns_total"),
                            counted.stat("check_ns_max"),
                            counted.stat("held_ns_total"),
                            counted.stat("held_ns_max")),
                    observer.look().interrupted());
        }
    }

    private void sayNewest(Windows windows) {
        var line = new StringBuilder("window %2d of %d, P99.5 and longest in ms:".formatted(windows.blocks(), blocks));
        for (var condition : windows.conditions()) {
            var quantiles = Quantiles.of(windows.newest(condition));
            line.append(String.format(
                    Locale.ROOT,
                    "  %s %.0f %.0f",
                    condition.name().toLowerCase(Locale.ROOT),
                    quantiles.p995(),
                    quantiles.max()));
        }
        narrator.say(line.toString());
    }

    private void draw(AtlasSystem system, Windows windows, Measurement measurement)
            throws IOException, InterruptedException {
        var undisturbed = Quantiles.of(windows.pooled(Condition.UNDISTURBED));
        try (var _ = new LineReader(system.followAgentLog(), line -> {
            if (AgentLog.move(line).isPresent()) {
                measurement.threadMoved();
            }
        })) {
            var local = measurement.episode(
                    "local: each thread by itself", LOCAL_COLOUR, QuiescenceScope.THREAD, undisturbed.p995());
            var global = measurement.episode(
                    "global: all threads stopped", GLOBAL_COLOUR, QuiescenceScope.PROCESS, undisturbed.p995());
            new LatencyPicture(
                            "Redis patched while it runs: latency of its requests",
                            "redis-server with 4 I/O threads in a pod, %d requests per second, on an emulated node with Debian's kernel %s"
                                    .formatted(RATE, system.node().kernel()),
                            local,
                            global,
                            List.of(
                                    new LatencyPicture.Row("undisturbed", UNDISTURBED_COLOUR, undisturbed),
                                    new LatencyPicture.Row(
                                            "local: each thread by itself",
                                            LOCAL_COLOUR,
                                            Quantiles.of(windows.pooled(Condition.LOCAL))),
                                    new LatencyPicture.Row(
                                            "global: all threads stopped",
                                            GLOBAL_COLOUR,
                                            Quantiles.of(windows.pooled(Condition.GLOBAL)))))
                    .write(output);
        }
    }

    private static List<Report.ThreadRow> threadTable(StoryResult story) {
        Map<Integer, ThreadCount> before = Verification.byThread(story.before().threads());
        Map<Integer, ThreadCount> reverted =
                Verification.byThread(story.reverted().threads());
        return story.patched().threads().stream()
                .map(thread -> new Report.ThreadRow(
                        thread.tid(),
                        thread.name(),
                        viewOf(before.get(thread.tid())),
                        thread.view(),
                        viewOf(reverted.get(thread.tid())),
                        thread.newCode(),
                        thread.oldCode()))
                .toList();
    }

    private static long viewOf(@Nullable ThreadCount thread) {
        return thread == null ? -1 : thread.view();
    }

    private static Observation look(AtlasSystem system, RedisPod redis) {
        try (var observer = Observer.start(system.node(), redis.pid(), Observer.NOWHERE, Observer.NOWHERE)) {
            return observer.look();
        }
    }

    private static boolean isKernelLogClean(AtlasSystem system) {
        try {
            system.node().requireCleanKernelLog();
            return true;
        } catch (ScriptException e) {
            return false;
        }
    }

    private static int countIntact(RedisPod redis) {
        try (var connection = redis.connect()) {
            return DATA.countIntact(connection);
        }
    }

    private static Load load(RedisPod redis) {
        return new Load(RATE, CONNECTIONS, new RedisClients(redis.address(), RedisPod.PORT, DATA, 42));
    }

    private static Quantiles quantiles(Measured measured, Condition condition) {
        return Quantiles.of(measured.windows().pooled(condition));
    }

    private static Report.Requests requests(LoadCounts counts) {
        return new Report.Requests(counts.total(), counts.errors(), counts.reconnects());
    }
}

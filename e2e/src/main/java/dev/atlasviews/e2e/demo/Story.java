// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.e2e.load.LoadGenerator;
import dev.atlasviews.e2e.load.RedisBenchmark;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.Observer;
import dev.atlasviews.e2e.observe.ThreadCount;
import dev.atlasviews.e2e.redis.CodeAddresses;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import dev.atlasviews.e2e.redis.RedisPod;
import dev.atlasviews.e2e.report.Report;
import dev.atlasviews.e2e.system.AtlasSystem;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** The fix goes in by {@code kubectl apply} and out by {@code kubectl delete}, under load, and is watched. */
final class Story {
    private static final String PATCH = "redis-fixes";
    /** How many threads of Redis run the function that is counted: the main thread and three io-threads. */
    static final int BUSY_THREADS = 4;

    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration LOG_LIMIT = Duration.ofSeconds(15);

    private final AtlasSystem system;
    private final RedisPod redis;
    private final RedisBuild build;
    private final RedisFix fix;
    private final PatchCycle cycle;
    private final Narrator narrator;
    private final AtomicInteger moves = new AtomicInteger();

    Story(AtlasSystem system, RedisPod redis, RedisBuild build, RedisFix fix, PatchCycle cycle, Narrator narrator) {
        this.system = system;
        this.redis = redis;
        this.build = build;
        this.fix = fix;
        this.cycle = cycle;
        this.narrator = narrator;
    }

    /**
     * Tells it.
     *
     * @param load an open load that runs already
     * @param benchmark redis-benchmark, which runs already
     * @param output directory for the document that is applied
     */
    StoryResult tell(LoadGenerator load, RedisBenchmark benchmark, Path output) throws IOException {
        long oldCode = CodeAddresses.old(system.node(), redis, build, fix);
        try (var whole = observe(Observer.NOWHERE, Observer.NOWHERE)) {
            narrator.chapter("before: the request of CVE-2025-32023");
            var before = awaitThreads(Observer.NOWHERE, oldCode, thread -> thread.oldCode() > 0);
            var vulnerable = behaviour();
            say(before);

            narrator.chapter("the fix, applied to the running server");
            load.mark("apply");
            apply(output, before.threads().size());
            load.mark("applied");
            long newCode = CodeAddresses.fresh(system.node(), redis, fix);
            var patched = awaitThreads(newCode, oldCode, thread -> thread.newCode() > 0);
            var fixed = behaviour();
            say(patched);

            narrator.chapter("taken back");
            load.mark("delete");
            revert();
            load.mark("reverted");
            var reverted = awaitThreads(newCode, oldCode, thread -> thread.oldCode() > 0);
            var vulnerableAgain = behaviour();
            say(reverted);

            long interrupted = whole.look().interrupted();
            benchmark.close();
            load.close();
            return new StoryResult(
                    new Report.Behaviour(vulnerable, fixed, vulnerableAgain),
                    before,
                    patched,
                    reverted,
                    interrupted,
                    load.counts(),
                    benchmark.counts(),
                    load.marks());
        }
    }

    private void apply(Path output, int threads) throws IOException {
        var document = output.resolve("redis-fixes.yaml");
        RedisFix.write(
                document,
                fix.artifact("redis-fixes-1"),
                fix.viewPatch(PATCH, "redis-fixes-1", QuiescenceScope.THREAD, Rollout.DEFAULT));
        narrator.command("kubectl apply --server-side -f redis-fixes.yaml");
        narrator.command("kubectl get viewpatch " + PATCH + " --watch");
        narrator.begin();
        try (var _ = new LineReader(system.followAgentLog(), this::sayMove);
                var _ = new LineReader(
                        system.kubectl().start("get", "viewpatch", "--namespace=" + RedisPod.NAMESPACE, "--watch"),
                        narrator::quote)) {
            narrator.quote(system.kubectl()
                    .run("apply", "--server-side", "--namespace=" + RedisPod.NAMESPACE, "--filename=" + document));
            cycle.awaitApplied(PATCH);
            narrator.done("apply");
            awaitMoves(threads);
        }
    }

    private void revert() {
        narrator.command("kubectl delete viewpatch " + PATCH);
        narrator.begin();
        narrator.quote(system.kubectl().run("delete", "viewpatch", PATCH, "--namespace=" + RedisPod.NAMESPACE));
        narrator.done("revert");
    }

    /** What the agent wrote a moment ago is still on its way here. */
    private void awaitMoves(int threads) {
        long deadline = System.nanoTime() + LOG_LIMIT.toNanos();
        while (moves.get() < threads && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }

    private void sayMove(String line) {
        AgentLog.move(line).ifPresent(move -> {
            moves.incrementAndGet();
            narrator.say("agent  " + move);
        });
    }

    private String behaviour() {
        var behaviour = redis.behaviour();
        narrator.command("e2e/redis/probe");
        narrator.quote(behaviour);
        return behaviour;
    }

    private Observer observe(long newCode, long oldCode) {
        return Observer.start(system.node(), redis.pid(), newCode, oldCode);
    }

    /** Counts until as many threads as are busy did something. */
    private Observation awaitThreads(long newCode, long oldCode, Predicate<ThreadCount> did) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        try (var observer = observe(newCode, oldCode)) {
            while (true) {
                var seen = observer.look();
                if (seen.threads().stream().filter(did).count() >= BUSY_THREADS || System.nanoTime() - deadline > 0) {
                    return seen;
                }
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
            }
        }
    }

    private void say(Observation seen) {
        for (var thread : seen.threads()) {
            narrator.say("%-16s %s  view %d, new code %d ×, old code %d ×"
                    .formatted(thread.name(), thread.tid(), thread.view(), thread.newCode(), thread.oldCode()));
        }
    }
}

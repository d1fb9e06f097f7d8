// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.OnDeadline;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.ThreadCount;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisBuild;
import dev.atlasviews.e2e.redis.RedisFix;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Threads that are held go on as before, keep no other from moving, and are told of; what they are held by can be excluded. */
class HeldThreadsIT extends RedisUnderPatchTest {
    /** In which an agent looks at held threads again. */
    private static final Duration AGAIN = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    @Test
    void threadsThatNeverLeaveChangedCodeAreHeldUntilItIsExcluded() throws IOException {
        var fix = RedisUnderPatch.buildFixWithLoop(directory);
        system.client().resource(fix.artifact("loop")).fieldManager("test").serverSideApply();
        try (var observer = redis.pod().observe()) {
            var before = observer.look();
            int all = before.threads().size();
            int sleepers = (int)
                    before.threads().stream().filter(HeldThreadsIT::isInLoop).count();
            assertThat(sleepers).isPositive().isLessThan(all);

            kubectlApply(fix, List.of());
            await("the others have moved")
                    .atMost(LIMIT)
                    .untilAsserted(
                            () -> assertThat(threads()).isEqualTo(new ThreadCounts(all, all - sleepers, sleepers)));
            assertHeld(before);
            redis.assertUnharmed(before.startTime(), "fixed");
            redis.assertFreesInBackground();
            assertThat(observer.look().threads())
                    .allSatisfy(thread -> assertThat(thread.view() == 0).isEqualTo(isInLoop(thread)));

            var held = heldThreads();
            new Agent(system).runOutOfMemory();
            system.awaitAgent();
            await("another agent goes on in the middle")
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(heldThreads()).containsExactlyInAnyOrderElementsOf(held));
            assertHeld(before);
            redis.assertUnharmed(before.startTime(), "fixed");

            kubectlApply(fix, List.of(RedisBuild.LOOP));
            cycle.awaitApplied(PATCH);
            assertThat(threads()).isEqualTo(new ThreadCounts(all, all, 0));
            assertThat(heldThreads()).isEmpty();
            assertThat(observer.look().threads())
                    .allSatisfy(thread -> assertThat(thread.view()).isPositive());
            redis.assertUnharmed(before.startTime(), "fixed");
            redis.assertFreesInBackground();

            cycle.revert(PATCH);
            redis.assertUnharmed(before.startTime(), "vulnerable");
            redis.assertFreesInBackground();
            assertThat(observer.look().interrupted())
                    .as("interrupted system calls")
                    .isZero();
        }
        redis.assertNothingIsLeft();
    }

    /** ViewPatch and PodView say which threads wait, for what and since when, and go on saying so. */
    private void assertHeld(Observation before) {
        assertThat(PatchCycle.condition(redis.patch(), "Applied")).hasValueSatisfying(condition -> {
            assertThat(condition.getStatus()).isEqualTo("False");
            assertThat(condition.getReason()).isEqualTo("WaitingForQuiescence");
            assertThat(condition.getMessage()).contains("held: bio_", " in " + RedisBuild.LOOP + " since ");
        });
        var first = heldThreads();
        assertThat(first)
                .extracting(HeldThread::tid, HeldThread::name, HeldThread::function)
                .containsExactlyInAnyOrderElementsOf(before.threads().stream()
                        .filter(HeldThreadsIT::isInLoop)
                        .map(thread -> tuple(thread.tid(), thread.name(), RedisBuild.LOOP))
                        .toList());
        // They are tried again and again, but held since the first time.
        await().during(AGAIN)
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(heldThreads()).containsExactlyInAnyOrderElementsOf(first));
    }

    private static boolean isInLoop(ThreadCount thread) {
        return thread.name().startsWith("bio_");
    }

    /** Creates the ViewPatch, or changes it, as people do. */
    private void kubectlApply(RedisFix fix, List<String> excluded) throws IOException {
        var document = directory.resolve("viewpatch.yaml");
        RedisFix.write(
                document,
                RedisFix.viewPatch(
                        PATCH,
                        "loop",
                        Digest.of(fix.file()),
                        new Quiescence(QuiescenceScope.THREAD, excluded, 600, OnDeadline.KEEP),
                        Rollout.DEFAULT));
        system.kubectl().run("apply", "--filename=" + document);
    }

    /** The threads, as the ViewPatch counts them. */
    private @Nullable ThreadCounts threads() {
        return Optional.ofNullable(redis.patch())
                .map(ViewPatch::getStatus)
                .map(ViewPatchStatus::threads)
                .orElse(null);
    }

    /** The held threads of the one process, by the PodView. */
    private List<HeldThread> heldThreads() {
        return Optional.ofNullable(redis.pod().podView())
                .map(PodView::getStatus)
                .map(PodViewStatus::processes)
                .filter(processes -> processes.size() == 1)
                .orElseThrow()
                .getFirst()
                .heldThreads();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** One ViewPatch for two pods, each on a machine of its own. The tests take the second one more and more away. */
@ExtendWith(SystemExtension.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
class TwoNodesIT {
    private static AtlasSystem system;

    @AutoClose
    private static Node second;

    private static PatchCycle cycle;

    @AutoClose
    private RedisPod redis;

    @AutoClose
    private RedisPod other;

    @BeforeAll
    static void startSecondNode(AtlasSystem running, @TempDir Path directory) throws IOException {
        system = running;
        cycle = new PatchCycle(system, RedisUnderPatch.buildFix(directory));
        system.awaitAgent();
        second = system.startSecondNode();
    }

    @BeforeEach
    void startServers() {
        redis = RedisPod.startOn(system, system.node(), "redis-1");
        other = RedisPod.startOn(system, second, "redis-2");
    }

    @AfterEach
    void takeBack() {
        cycle.revertIfThere(PATCH);
    }

    @Test
    @Order(1)
    void aCanaryThatEndsIsTakenBackAndNothingBeginsOnTheOtherNode() throws IOException {
        cycle.create(
                PATCH,
                QuiescenceScope.THREAD,
                new Rollout(new IntOrString(1), new IntOrString("100%"), 600, false, 600, OnFailure.REVERT));
        await("one of the pods is patched").atMost(LIMIT).until(() -> appliedPods() == 1);
        var canary = redis.threadsInViews() > 0 ? redis : other;
        var untouched = canary == redis ? other : redis;
        assertThat(canary.behaviour()).isEqualTo("fixed");
        assertThat(untouched.behaviour()).isEqualTo("vulnerable");

        canary.node().exec("kill", "-KILL", Integer.toString(canary.pid())).requireSuccess();

        await("it is said")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(patch(), "Degraded"))
                        .hasValueSatisfying(degraded -> {
                            assertThat(degraded.getReason()).isEqualTo("PodsFailed");
                            assertThat(degraded.getMessage())
                                    .contains(canary.name(), canary.node().name(), "137");
                        }));
        await("it is taken back").atMost(LIMIT).untilAsserted(() -> {
            assertThat(canary.restarts()).isPositive();
            assertThat(canary.podView()).isNull();
        });
        assertThat(canary.threadsInViews()).isZero();
        assertThat(canary.behaviour()).isEqualTo("vulnerable");
        assertThat(untouched.look().stat("views_created")).isZero();
        assertThat(untouched.restarts()).isZero();
    }

    @Test
    @Order(2)
    void aNodeWithoutTheModuleIsNamedAndTheOtherOneIsPatchedUntilItIsTheOnlyOne() throws IOException {
        new Agent(system, second).killAndForbidModule();
        cycle.create(PATCH, QuiescenceScope.THREAD, Rollout.DEFAULT);
        await("both are told of").atMost(LIMIT).untilAsserted(() -> {
            assertThat(appliedPods()).isEqualTo(1);
            assertThat(PatchCycle.condition(patch(), "Applied")).hasValueSatisfying(applied -> {
                assertThat(applied.getStatus()).isEqualTo("False");
                assertThat(applied.getReason()).isEqualTo("ModuleUnavailable");
                assertThat(applied.getMessage()).contains(other.name(), second.name());
            });
        });
        assertThat(redis.behaviour()).isEqualTo("fixed");
        assertThat(other.behaviour()).isEqualTo("vulnerable");

        second.requireCleanKernelLog();
        second.close();
        cycle.awaitApplied(PATCH);
        assertThat(appliedPods()).isEqualTo(1);
        system.node().requireCleanKernelLog();
    }

    private static int appliedPods() {
        return Optional.ofNullable(patch())
                .map(ViewPatch::getStatus)
                .map(ViewPatchStatus::pods)
                .map(PodCounts::applied)
                .orElse(0);
    }

    private static @Nullable ViewPatch patch() {
        return cycle.find(PATCH);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodReadinessGate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Times are those of a kubelet whose clock is far from any other: they are compared with each other at most. */
final class PodHealthTest {
    private static final String BEFORE = "1999-12-31T21:59:00Z";
    private static final String AFTER = "1999-12-31T22:01:00Z";

    @Test
    void aPodThatRunsOnIsWell() {
        assertThat(since(Objects.pod("redis-0"), Objects.pod("redis-0"))).isEmpty();
    }

    @Test
    void aContainerThatEndedSinceIsAFailureAndOneThatEndedBeforeIsNone() {
        assertThat(since(restarted(1, BEFORE), restarted(1, BEFORE))).isEmpty();
        assertThat(since(restarted(1, BEFORE), restarted(2, AFTER)))
                .hasValueSatisfying(message -> assertThat(message)
                        .isEqualTo("pod redis-0 on node node-1: container redis ended (OOMKilled, exit code 137)"));
        assertThat(since(Objects.pod("redis-0"), restarted(1, BEFORE))).isPresent();
    }

    @Test
    void anEndIsSeenBeforeTheRestartIsCountedAndIsCountedOnce() {
        final Pod ended = waiting(1);
        assertThat(since(restarted(1, BEFORE), ended)).isPresent();
        assertThat(since(ended, restarted(2, AFTER))).isEmpty();
        assertThat(since(ended, restarted(3, AFTER))).isPresent();
    }

    @Test
    void aPodThatIsDoneOrHasToGoIsNotHarmed() {
        final Pod done = restarted(1, AFTER);
        done.getStatus().setPhase("Succeeded");
        assertThat(since(Objects.pod("redis-0"), done)).isEmpty();

        final Pod evicted = Objects.pod("redis-0");
        evicted.getStatus().setPhase("Failed");
        assertThat(since(Objects.pod("redis-0"), evicted)).isPresent();
        evicted.getStatus()
                .setConditions(List.of(new PodConditionBuilder()
                        .withType("DisruptionTarget")
                        .withStatus("True")
                        .build()));
        assertThat(since(Objects.pod("redis-0"), evicted)).isEmpty();
    }

    @Test
    void aContainerThatIsDoneIsNotHarmedWhereSuccessIsNotFollowedByARestart() {
        for (final String policy : List.of("Never", "OnFailure")) {
            assertThat(since(Objects.pod("redis-0"), ended(policy, 0))).isEmpty();
            assertThat(since(Objects.pod("redis-0"), ended(policy, 1))).isPresent();
        }
        assertThat(since(Objects.pod("redis-0"), ended("Always", 0))).isPresent();
    }

    private static Pod ended(final String policy, final int exitCode) {
        return new PodBuilder(Objects.pod("redis-0"))
                .editSpec()
                .withRestartPolicy(policy)
                .endSpec()
                .editStatus()
                .editFirstContainerStatus()
                .withNewState()
                .withNewTerminated()
                .withExitCode(exitCode)
                .withFinishedAt(AFTER)
                .endTerminated()
                .endState()
                .endContainerStatus()
                .endStatus()
                .build();
    }

    @Test
    void ofSeveralContainersTheOneThatEndedLastIsNamed() {
        final Pod now = new PodBuilder(restarted(1, AFTER))
                .editStatus()
                .addNewInitContainerStatus()
                .withName("sidecar")
                .withRestartCount(1)
                .withNewState()
                .withNewRunning()
                .endRunning()
                .endState()
                .withNewLastState()
                .withNewTerminated()
                .withFinishedAt(BEFORE)
                .endTerminated()
                .endLastState()
                .endInitContainerStatus()
                .endStatus()
                .build();
        assertThat(since(Objects.pod("redis-0"), now))
                .hasValueSatisfying(message -> assertThat(message).contains("container redis ended"));
    }

    @Test
    void aPodThatTurnedUnreadySinceIsAFailureAndOneThatWasNeverReadyIsNone() {
        assertThat(since(ready("False", BEFORE), ready("False", BEFORE))).isEmpty();
        assertThat(since(ready("False", BEFORE), ready("True", AFTER))).isEmpty();
        assertThat(since(Objects.pod("redis-0"), ready("False", AFTER))).isEmpty();
        for (final String before : List.of("True", "False")) {
            assertThat(since(ready(before, BEFORE), ready("False", AFTER)))
                    .hasValueSatisfying(message -> assertThat(message).contains("turned unready (ContainersNotReady)"));
        }
    }

    @Test
    void aPodWhoseNodeTheControlPlaneHasLostIsNotHarmed() {
        for (final String none : new String[] {null, ""}) {
            final Pod lost = ready("False", AFTER);
            lost.getStatus().getConditions().getFirst().setReason(none);
            assertThat(since(ready("True", BEFORE), lost)).isEmpty();
        }
    }

    @Test
    void aPodThatWaitsForItsPatchOnlyIsNotHarmedAndOneThatAnotherGateHoldsIs() {
        assertThat(since(ready("True", BEFORE), heldByGates(Atlas.PATCHED_CONDITION)))
                .isEmpty();
        assertThat(since(ready("True", BEFORE), heldByGates("example.org/other")))
                .isPresent();
        assertThat(since(ready("True", BEFORE), heldByGates(Atlas.PATCHED_CONDITION, "example.org/other")))
                .isPresent();
        final Pod unwell = heldByGates(Atlas.PATCHED_CONDITION);
        unwell.getStatus().getConditions().getFirst().setReason("ContainersNotReady");
        assertThat(since(ready("True", BEFORE), unwell)).isPresent();
    }

    /** Unready since it has these gates, none of which is open. */
    private static Pod heldByGates(final String... gates) {
        final Pod pod = ready("False", AFTER);
        pod.getStatus().getConditions().getFirst().setReason("ReadinessGatesNotReady");
        pod.getSpec()
                .setReadinessGates(
                        Arrays.stream(gates).map(PodReadinessGate::new).toList());
        return pod;
    }

    @Test
    void aPodThatFailedForGoodIsAFailureAndOneThatIsDeletedIsNone() {
        final Pod failed = Objects.pod("redis-0");
        failed.getStatus().setPhase("Failed");
        assertThat(since(Objects.pod("redis-0"), failed)).isPresent();
        failed.getMetadata().setDeletionTimestamp(AFTER);
        assertThat(since(Objects.pod("redis-0"), failed)).isEmpty();
    }

    private static Optional<String> since(final Pod then, final Pod now) {
        return PodHealth.failure(now, PodHealth.baseline(then));
    }

    private static Pod restarted(final int restarts, final String at) {
        return new PodBuilder(Objects.pod("redis-0"))
                .editStatus()
                .editFirstContainerStatus()
                .withRestartCount(restarts)
                .withNewLastState()
                .withNewTerminated()
                .withReason("OOMKilled")
                .withExitCode(137)
                .withFinishedAt(at)
                .endTerminated()
                .endLastState()
                .endContainerStatus()
                .endStatus()
                .build();
    }

    /** Ended once more than it was restarted. */
    private static Pod waiting(final int restarts) {
        return new PodBuilder(restarted(restarts, AFTER))
                .editStatus()
                .editFirstContainerStatus()
                .withNewState()
                .withNewWaiting()
                .withReason("CrashLoopBackOff")
                .endWaiting()
                .endState()
                .endContainerStatus()
                .endStatus()
                .build();
    }

    private static Pod ready(final String status, final String since) {
        return new PodBuilder(Objects.pod("redis-0"))
                .editStatus()
                .addNewCondition()
                .withType("Ready")
                .withStatus(status)
                .withReason("ContainersNotReady")
                .withLastTransitionTime(since)
                .endCondition()
                .endStatus()
                .build();
    }
}

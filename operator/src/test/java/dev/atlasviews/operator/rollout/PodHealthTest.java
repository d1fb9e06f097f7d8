// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class PodHealthTest {
    private static final Instant SINCE = Instant.parse("2026-11-23T22:00:00Z");
    private static final String BEFORE = "2026-11-23T21:59:00Z";
    private static final String AFTER = "2026-11-23T22:01:00Z";

    @Test
    void aPodThatRunsOnIsWell() {
        assertThat(PodHealth.failure(Objects.pod("redis-0"), SINCE)).isEmpty();
    }

    @Test
    void aContainerThatEndedSinceIsAFailureAndOneThatEndedBeforeIsNone() {
        assertThat(PodHealth.failure(restarted(BEFORE), SINCE)).isEmpty();
        assertThat(PodHealth.failure(restarted(AFTER), SINCE))
                .hasValueSatisfying(message -> assertThat(message)
                        .isEqualTo("pod redis-0 on node node-1: container redis ended (OOMKilled, exit code 137)"));
    }

    @Test
    void aPodThatTurnedUnreadySinceIsAFailureAndOneThatWasNeverReadyIsNone() {
        assertThat(PodHealth.failure(ready("False", BEFORE), SINCE)).isEmpty();
        assertThat(PodHealth.failure(ready("True", AFTER), SINCE)).isEmpty();
        assertThat(PodHealth.failure(ready("False", AFTER), SINCE))
                .hasValueSatisfying(message -> assertThat(message).contains("turned unready (ContainersNotReady)"));
    }

    @Test
    void aPodThatFailedForGoodIsAFailureAndOneThatIsDeletedIsNone() {
        final Pod failed = Objects.pod("redis-0");
        failed.getStatus().setPhase("Failed");
        assertThat(PodHealth.failure(failed, SINCE)).isPresent();
        failed.getMetadata().setDeletionTimestamp(AFTER);
        assertThat(PodHealth.failure(failed, SINCE)).isEmpty();
    }

    private static Pod restarted(final String at) {
        return new PodBuilder(Objects.pod("redis-0"))
                .editStatus()
                .editFirstContainerStatus()
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

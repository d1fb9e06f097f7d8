// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewPatch;
import org.junit.jupiter.api.Test;

/** Which rollouts have ended: those are neither paused nor do they go on. */
final class PausingTest {
    @Test
    void oneThatHasFailedHasEndedUntilTheSpecificationIsChanged() {
        assertThat(ended("phase: Failed, failure: {generation: 2, reason: PodsFailed, message: m}"))
                .isTrue();
        assertThat(ended("phase: Failed, failure: {generation: 1, reason: PodsFailed, message: m}"))
                .isFalse();
        assertThat(ended("phase: Reverted, failure: {generation: 1, reason: PodsFailed, message: m}"))
                .isTrue();
    }

    @Test
    void whatIsOnItsWayOrWasOnlyObservedHasNot() {
        assertThat(ended("phase: Complete")).isTrue();
        assertThat(ended("phase: Soaking")).isFalse();
        assertThat(Pausing.ended(Yaml.patch("{}"))).isEmpty();
        assertThat(Pausing.ended(Yaml.patch(Yaml.status(2, "phase: Complete").replace("wave: 1", "wave: 0"))))
                .isEmpty();
        assertThat(Pausing.ended(Yaml.patch(Yaml.status(2, "phase: Complete").replace(Yaml.DIGEST, Yaml.OTHER))))
                .as("another digest begins anew")
                .isEmpty();
        assertThat(Pausing.ended(Yaml.patch("mode: Observe", Yaml.status(2, "phase: Complete"))))
                .as("a look begins anew")
                .isEmpty();
    }

    @Test
    void onlyAWaveThatTookTooLongIsResumedAfterItFailedAndOnlyIfItIsPaused() {
        assertThat(isResumed(true, "ProgressDeadlineExceeded")).isTrue();
        assertThat(isResumed(false, "ProgressDeadlineExceeded")).isFalse();
        assertThat(isResumed(true, "PodsFailed")).isFalse();
    }

    @Test
    void whatCanNotBeReadHasNotEndedAndIsNotResumed() {
        final ViewPatch patch = Yaml.patch("rollout: {wave: 3000000000}", Yaml.status(2, "phase: Complete"));
        assertThat(Pausing.ended(patch)).isEmpty();
        assertThat(Pausing.isPaused(patch)).isFalse();
    }

    private static boolean isResumed(final boolean paused, final String failure) {
        final String status =
                Yaml.status(2, "phase: Failed, failure: {generation: 2, reason: %s, message: m}".formatted(failure));
        return Pausing.beyondResuming(Yaml.patch("rollout: {paused: %s}".formatted(paused), status))
                .isEmpty();
    }

    private static boolean ended(final String rollout) {
        return Pausing.ended(Yaml.patch(Yaml.status(2, rollout))).isPresent();
    }
}

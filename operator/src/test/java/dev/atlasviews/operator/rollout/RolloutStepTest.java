// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static dev.atlasviews.operator.Objects.digest;
import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.OnFailure;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class RolloutStepTest {
    private static final Instant START = Instant.parse("2026-11-23T22:00:00Z");

    private final ViewPatch patch = Objects.patch("fix", "2026-11-23T20:00:00Z");
    private Instant now = START;

    @Test
    void allPodsAtOnceIsOneWaveThatIsCompleteWhenItIsDone() {
        rollout(Rollout.DEFAULT);
        assertThat(step(3, 0, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(status().released()).as("all, those that come included").isNull();
        assertThat(step(3, 3, 2).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(step(4, 3, 3).phase()).as("one has come").isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(step(4, 4, 4).phase()).isEqualTo(RolloutPhase.COMPLETE);
        assertThat(step(5, 4, 4).phase()).isEqualTo(RolloutPhase.COMPLETE);
    }

    @Test
    void nothingBeginsBeforeThereArePodsSoThatTheFirstIsTheCanary() {
        rollout(new Rollout(new IntOrString(1), new IntOrString("100%"), 0, false, 600, OnFailure.PAUSE));
        assertThat(step(0, 0, 0).phase()).isEqualTo(RolloutPhase.WAITING);
        assertThat(step(4, 0, 0).released()).isEqualTo(1);
    }

    @Test
    void thatThereIsNoPodForAWhileEndsNoWaveButBeginsWithTheFirst() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(2), 0, false, 600, OnFailure.PAUSE));
        step(4, 0, 0);
        assertThat(step(4, 1, 1).released()).isEqualTo(3);
        assertThat(step(0, 0, 0).phase()).isEqualTo(RolloutPhase.WAITING);
        assertThat(new RolloutStep(patch, new Situation(0, 0, 0, 0, List.of(), List.of()), Instant.MIN, now)
                        .wait(status()))
                .as("only pods can change that")
                .isEmpty();
        now = now.plusSeconds(3600);
        assertThat(step(4, 0, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(status().released()).as("the first is the canary again").isEqualTo(1);
        assertThat(status().since()).as("has the time of a wave").isEqualTo(now);
        step(4, 1, 0, List.of("pod redis-0"), List.of());
        assertThat(step(0, 0, 0).phase()).isEqualTo(RolloutPhase.FAILED);
    }

    @Test
    void theLastPodOfAllCanFailForGood() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.REVERT));
        step(1, 0, 0);
        assertThat(step(0, 0, 0, List.of("pod redis-0"), List.of()).phase()).isEqualTo(RolloutPhase.REVERTED);
    }

    @Test
    void whatTookTooLongIsNotDoneWhenItsPodsAreGone() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        now = now.plusSeconds(600);
        final RolloutStatus failed = step(9, 1, 0);
        assertThat(step(0, 0, 0)).isEqualTo(failed);
    }

    @Test
    void wavesFollowEachOtherWhenTheOneBeforeHasSoaked() {
        rollout(new Rollout(new IntOrString(1), new IntOrString("40%"), 60, false, 600, OnFailure.PAUSE));
        final List<String> seen = new ArrayList<>();
        int released = 0;
        for (int i = 0; i < 20 && !seen.contains("COMPLETE"); i++) {
            final RolloutStatus next = step(10, released, released);
            released = Math.min(10, requireNonNullElse(next.released(), 10));
            seen.add(
                    next.phase() == RolloutPhase.PROGRESSING
                            ? "wave of " + released
                            : next.phase().name());
            now = now.plusSeconds(60);
        }
        assertThat(seen)
                .containsExactly(
                        "wave of 1",
                        "SOAKING",
                        "wave of 5",
                        "SOAKING",
                        "wave of 9",
                        "SOAKING",
                        "wave of 10",
                        "SOAKING",
                        "COMPLETE");
    }

    @Test
    void podsThatComeBeforeTheCanaryHasSoakedWaitForIt() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(2), 60, false, 600, OnFailure.PAUSE));
        assertThat(step(1, 0, 0).released()).isEqualTo(1);
        assertThat(step(1, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        assertThat(step(9, 1, 1).released()).isEqualTo(1);
        now = now.plusSeconds(60);
        assertThat(step(9, 1, 1).released()).isEqualTo(3);
        assertThat(step(2, 2, 2).phase()).as("pods went for a moment").isEqualTo(RolloutPhase.SOAKING);
        assertThat(step(9, 2, 2).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(status().released()).isEqualTo(3);
    }

    @Test
    void aChangeThatFitsNoPodOfAWaveIsTriedOnAsManyMore() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(4), 60, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        assertThat(fits(0, 9, 1)).returns(2, RolloutStatus::released).returns(1, RolloutStatus::wave);
        now = now.plusSeconds(590);
        assertThat(fits(0, 9, 2)).returns(3, RolloutStatus::released).returns(now, RolloutStatus::since);
        assertThat(fits(1, 9, 3).phase()).as("the canary").isEqualTo(RolloutPhase.SOAKING);
        now = now.plusSeconds(60);
        assertThat(fits(1, 9, 3)).returns(7, RolloutStatus::released).returns(2, RolloutStatus::wave);
    }

    @Test
    void whereAChangeFitsNoPodAtAllTheFirstThatItFitsIsTheCanary() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(4), 60, false, 600, OnFailure.PAUSE));
        step(2, 0, 0);
        fits(0, 2, 1);
        now = now.plusSeconds(3600);
        assertThat(fits(0, 2, 2).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(new RolloutStep(patch, new Situation(2, 2, 2, 0, List.of(), List.of()), Instant.MIN, now)
                        .wait(status()))
                .as("only pods can change that")
                .isEmpty();
        assertThat(fits(0, 12, 2).released()).isEqualTo(3);
    }

    @Test
    void aPauseEndsTheSearchForAPodThatTheChangeFits() {
        rollout(paused(false));
        step(9, 0, 0);
        rollout(paused(true));
        assertThat(fits(0, 9, 1).released()).isEqualTo(1);
        rollout(paused(false));
        assertThat(fits(0, 9, 1).released()).isEqualTo(2);
    }

    @Test
    void aWaveSoaksFromTheMomentItIsDoneAndAgainWhenItWasNotAnyMore() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.PAUSE));
        step(2, 0, 0);
        now = now.plusSeconds(30);
        assertThat(step(2, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        assertThat(status().since()).isEqualTo(now);
        now = now.plusSeconds(59);
        assertThat(step(2, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        assertThat(step(2, 1, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(step(2, 1, 1).since()).isEqualTo(now);
        now = now.plusSeconds(60);
        assertThat(step(2, 1, 1).wave()).isEqualTo(2);
    }

    @Test
    void aPauseHoldsTheNextWaveAndNotTheOneThatHasBegun() {
        rollout(paused(true));
        assertThat(step(2, 0, 0).phase()).isEqualTo(RolloutPhase.WAITING);
        rollout(paused(false));
        assertThat(step(2, 0, 0).wave()).isEqualTo(1);
        rollout(paused(true));
        assertThat(step(2, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        assertThat(status().wave()).isEqualTo(1);
        rollout(paused(false));
        assertThat(step(2, 1, 1).wave()).isEqualTo(2);
    }

    @Test
    void thereIsNothingToHoldWhileTheLastWaveSoaks() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, true, 600, OnFailure.PAUSE));
        final var situation = new Situation(2, 2, 2, 2, List.of(), List.of());
        final var digest = patch.getSpec().change().patch().digest();
        store(new RolloutStatus(digest, RolloutPhase.SOAKING, 1, 1, now, null));
        assertThat(new RolloutStep(patch, situation, Instant.MIN, now).wait(status()))
                .isEmpty();
        store(new RolloutStatus(digest, RolloutPhase.SOAKING, 2, null, now, null));
        assertThat(new RolloutStep(patch, situation, Instant.MIN, now).wait(status()))
                .contains(Duration.ofSeconds(61));
        now = now.plusSeconds(61);
        assertThat(step(2, 2, 2).phase()).isEqualTo(RolloutPhase.COMPLETE);
    }

    @ParameterizedTest
    @CsvSource({"PAUSE, FAILED", "REVERT, REVERTED"})
    void failedPodsEndItByName(final OnFailure onFailure, final RolloutPhase phase) {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, onFailure));
        step(9, 0, 0);
        final RolloutStatus failed = step(
                9, 1, 1, IntStream.range(0, 7).mapToObj(i -> "pod redis-" + i).toList(), List.of());
        assertThat(failed.phase()).isEqualTo(phase);
        assertThat(requireNonNull(failed.failure()).message())
                .isEqualTo("pod redis-0; pod redis-1; pod redis-2; pod redis-3; pod redis-4; and 2 more pods");
        now = now.plusSeconds(3600);
        assertThat(step(9, 1, 1)).as("being well again is no reason to go on").isEqualTo(failed);
    }

    @Test
    void aChangedSpecificationTriesAPausedRolloutAnew() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        step(9, 1, 1, List.of("pod redis-0"), List.of());
        patch.getMetadata().setGeneration(2L);
        assertThat(step(9, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        assertThat(status().failure()).isNull();
    }

    @Test
    void itIsTriedAnewOnceWhatFailedDoesNotCountAnyMore() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        final RolloutStatus failed = step(9, 1, 1, List.of("pod redis-0"), List.of());
        patch.getMetadata().setGeneration(2L);
        assertThat(step(9, 1, 1, List.of("pod redis-0"), List.of()))
                .as("its pod's end was before")
                .isEqualTo(failed);
        assertThat(step(9, 1, 1).phase()).isEqualTo(RolloutPhase.SOAKING);
        step(9, 1, 1, List.of("pod redis-0"), List.of());
        assertThat(requireNonNull(status().failure()).generation())
                .as("it failed again")
                .isEqualTo(2);
    }

    @Test
    void onlyAnotherDigestIsAppliedAfterARevert() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.REVERT));
        step(9, 0, 0);
        step(9, 1, 1, List.of("pod redis-0"), List.of());
        patch.getMetadata().setGeneration(2L);
        assertThat(step(9, 0, 0).phase()).isEqualTo(RolloutPhase.REVERTED);
        patch.setSpec(Objects.spec(digest("better"), null, NewPods.APPLY));
        assertThat(step(9, 0, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(status().digest()).isEqualTo(digest("better"));
    }

    @Test
    void aWaveThatTakesTooLongFailsAndGoesOnIfItIsDoneAfterAll() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        now = now.plusSeconds(599);
        assertThat(step(9, 1, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        now = now.plusSeconds(1);
        assertThat(requireNonNull(step(9, 1, 0).failure()).reason()).isEqualTo("ProgressDeadlineExceeded");
        assertThat(step(9, 1, 1).wave()).isEqualTo(2);
    }

    @Test
    void podsThatFailAfterADeadlineAreToldAndEndIt() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 600, OnFailure.PAUSE));
        step(9, 0, 0);
        now = now.plusSeconds(600);
        assertThat(requireNonNull(step(9, 1, 0).failure()).reason()).isEqualTo("ProgressDeadlineExceeded");
        assertThat(requireNonNull(
                                step(9, 1, 0, List.of("pod redis-0"), List.of()).failure())
                        .reason())
                .isEqualTo("PodsFailed");
        assertThat(step(9, 1, 1).phase()).as("being well again").isEqualTo(RolloutPhase.FAILED);
    }

    @Test
    void aWaveHasItsTimeFromWhenSomebodyLooks() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 0, false, 600, OnFailure.REVERT));
        step(9, 0, 0);
        final Instant back = now.plusSeconds(3600);
        final var situation = new Situation(9, 1, 0, 0, List.of(), List.of());
        final RolloutStatus begun = status();
        final var first = new RolloutStep(patch, situation, back, back);
        assertThat(first.next()).isEqualTo(begun);
        assertThat(first.wait(begun)).contains(Duration.ofSeconds(601));
        assertThat(new RolloutStep(patch, situation, back, back.plusSeconds(600))
                        .next()
                        .phase())
                .isEqualTo(RolloutPhase.REVERTED);
    }

    @Test
    void aPauseLiftsNoFailure() {
        rollout(paused(false));
        step(9, 0, 0);
        final RolloutStatus failed = step(9, 1, 1, List.of("pod redis-0"), List.of());
        rollout(paused(true));
        patch.getMetadata().setGeneration(2L);
        assertThat(step(9, 1, 1)).isEqualTo(failed);
        rollout(paused(false));
        patch.getMetadata().setGeneration(3L);
        assertThat(step(9, 1, 1).wave()).isEqualTo(2);
    }

    @Test
    void whatGoesFirstIsWaitedFor() {
        rollout(Rollout.DEFAULT);
        assertThat(step(1, 0, 0, List.of(), List.of("first")).phase()).isEqualTo(RolloutPhase.WAITING);
        assertThat(step(1, 0, 0).phase()).isEqualTo(RolloutPhase.PROGRESSING);
    }

    @Test
    void observingHasNoWaves() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.PAUSE));
        mode(Mode.OBSERVE);
        assertThat(step(9, 0, 0).released()).isNull();
        assertThat(status().wave()).isZero();
        assertThat(step(9, 9, 9).phase()).isEqualTo(RolloutPhase.COMPLETE);
    }

    @ParameterizedTest
    @EnumSource(OnFailure.class)
    void aLookDoesNotFailForItHarmsNoPodAndHasTime(final OnFailure onFailure) {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, onFailure));
        mode(Mode.OBSERVE);
        step(9, 0, 0);
        assertThat(step(9, 9, 8, List.of("pod redis-0"), List.of()).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        now = now.plusSeconds(600);
        assertThat(step(9, 9, 8).phase()).isEqualTo(RolloutPhase.PROGRESSING);
        assertThat(new RolloutStep(patch, new Situation(9, 9, 8, 8, List.of(), List.of()), Instant.MIN, now)
                        .wait(status()))
                .isEmpty();
        assertThat(step(9, 9, 9, List.of("pod redis-0"), List.of()).phase()).isEqualTo(RolloutPhase.COMPLETE);
    }

    @Test
    void whatWasOnlyObservedIsAppliedInWaves() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(3), 0, false, 600, OnFailure.PAUSE));
        mode(Mode.OBSERVE);
        step(9, 0, 0);
        assertThat(step(9, 9, 9).phase()).isEqualTo(RolloutPhase.COMPLETE);
        mode(Mode.APPLY);
        assertThat(step(9, 0, 0).wave()).isEqualTo(1);
        assertThat(status().released()).isEqualTo(1);
        assertThat(step(9, 1, 1).released()).isEqualTo(4);

        mode(Mode.OBSERVE);
        assertThat(step(9, 0, 0).released()).as("all are only observed again").isNull();
        assertThat(status().wave()).isZero();
        mode(Mode.APPLY);
        assertThat(step(9, 0, 0).released()).isEqualTo(1);
    }

    @Test
    void noPauseKeepsALookFromEndingWhatWasDone() {
        rollout(paused(false));
        step(1, 0, 0);
        assertThat(step(1, 1, 1).phase()).isEqualTo(RolloutPhase.COMPLETE);
        rollout(paused(true));
        mode(Mode.OBSERVE);
        assertThat(step(1, 0, 0, List.of(), List.of("other")).released()).isNull();
        assertThat(status().phase()).isEqualTo(RolloutPhase.PROGRESSING);
    }

    @Test
    void aLookLiftsNoRevert() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.REVERT));
        step(9, 0, 0);
        step(9, 1, 1, List.of("pod redis-0"), List.of());
        mode(Mode.OBSERVE);
        assertThat(step(9, 0, 0).phase()).isEqualTo(RolloutPhase.REVERTED);
        mode(Mode.APPLY);
        assertThat(step(9, 0, 0).phase()).isEqualTo(RolloutPhase.REVERTED);
    }

    @Test
    void itWakesWhenTimeAloneChangesSomething() {
        rollout(new Rollout(new IntOrString(1), new IntOrString(1), 60, false, 600, OnFailure.PAUSE));
        final var situation = new Situation(9, 1, 1, 1, List.of(), List.of());
        step(9, 0, 0);
        now = now.plusSeconds(10);
        assertThat(new RolloutStep(patch, situation, Instant.MIN, now).wait(status()))
                .contains(Duration.ofSeconds(591));
        step(9, 1, 1);
        assertThat(new RolloutStep(patch, situation, Instant.MIN, now).wait(status()))
                .contains(Duration.ofSeconds(61));
    }

    /** All that have the change are done with it, and it fits some of them. */
    private RolloutStatus fits(final int applied, final int selected, final int released) {
        final var situation = new Situation(selected, released, released, applied, List.of(), List.of());
        store(new RolloutStep(patch, situation, Instant.MIN, now).next());
        return status();
    }

    private RolloutStatus step(final int selected, final int released, final int settled) {
        return step(selected, released, settled, List.of(), List.of());
    }

    private RolloutStatus step(
            final int selected,
            final int released,
            final int settled,
            final List<String> failures,
            final List<String> predecessors) {
        final var situation = new Situation(selected, released, settled, settled, failures, predecessors);
        store(new RolloutStep(patch, situation, Instant.MIN, now).next());
        return status();
    }

    private RolloutStatus status() {
        return requireNonNull(patch.getStatus().rollout());
    }

    private void store(final @Nullable RolloutStatus rollout) {
        patch.setStatus(new ViewPatchStatus(1L, patch.getStatus().conditions(), null, null, rollout));
    }

    private static Rollout paused(final boolean paused) {
        return new Rollout(new IntOrString(1), new IntOrString(1), 0, paused, 600, OnFailure.PAUSE);
    }

    private void mode(final Mode mode) {
        spec(mode, patch.getSpec().rollout());
    }

    private void rollout(final Rollout rollout) {
        spec(patch.getSpec().mode(), rollout);
    }

    private void spec(final Mode mode, final Rollout rollout) {
        final ViewPatchSpec spec = patch.getSpec();
        patch.setSpec(new ViewPatchSpec(
                spec.selector(),
                null,
                spec.change(),
                spec.threads(),
                spec.quiescence(),
                spec.newPods(),
                mode,
                rollout,
                List.of()));
    }
}

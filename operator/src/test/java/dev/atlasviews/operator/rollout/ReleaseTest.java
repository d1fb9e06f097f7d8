// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import static dev.atlasviews.operator.Objects.digest;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ReleaseTest {
    private final ViewPatch patch = Objects.patch("fix", "2026-11-23T20:00:00Z");
    private final List<Pod> pods =
            IntStream.range(0, 20).mapToObj(i -> Objects.pod("redis-" + i)).toList();
    private final Set<String> having = new HashSet<>();

    @Test
    void inWhateverOrderPodsAreAskedAboutNoMoreThanAllowedGetTheChange() {
        final var random = new Random(1);
        for (int round = 0; round < 200; round++) {
            having.clear();
            released(RolloutPhase.PROGRESSING, 7);
            final List<Pod> asked = new ArrayList<>(pods);
            Collections.shuffle(asked, random);
            for (final Pod pod : asked) {
                // A write that the cache does not show yet changes no answer.
                if (includes(pod) && random.nextBoolean()) {
                    having.add(pod.getMetadata().getUid());
                }
            }
            asked.stream()
                    .filter(this::includes)
                    .forEach(pod -> having.add(pod.getMetadata().getUid()));
            assertThat(having).hasSize(7);
        }
    }

    @Test
    void thoseThatHaveItKeepItAndTheOldestComeNext() {
        pods.get(13).getMetadata().setCreationTimestamp("2026-11-01T00:00:00Z");
        having.add(pods.get(5).getMetadata().getUid());
        released(RolloutPhase.PROGRESSING, 2);
        assertThat(pods.stream().filter(this::includes)).containsExactly(pods.get(5), pods.get(13));
        released(RolloutPhase.FAILED, 1);
        assertThat(pods.stream().filter(this::includes)).containsExactly(pods.get(5));
    }

    @Test
    void allHaveItWhenItIsCompleteAndNoneWhenItIsReverted() {
        released(RolloutPhase.COMPLETE, null);
        assertThat(pods).allMatch(this::includes);
        having.add(pods.getFirst().getMetadata().getUid());
        released(RolloutPhase.REVERTED, null);
        assertThat(pods).noneMatch(this::includes);
    }

    @Test
    void aStepOfAnotherDigestAllowsNothing() {
        rollout(digest("other"), RolloutPhase.COMPLETE, 1, null);
        assertThat(pods).noneMatch(this::includes);
    }

    @Test
    void thatAllWereObservedAllowsNothing() {
        rollout(patch.getSpec().change().patch().digest(), RolloutPhase.COMPLETE, 0, null);
        having.add(pods.getFirst().getMetadata().getUid());
        assertThat(pods.stream().filter(this::includes)).containsExactly(pods.getFirst());
        patch.setSpec(patch.getSpec().in(Mode.OBSERVE));
        assertThat(pods).allMatch(this::includes);
    }

    @Test
    void afterPodsFailedNoOtherTakesTheirPlaceAndAfterADeadlineOneMay() {
        having.add("one that is gone");
        failed("PodsFailed", 1);
        assertThat(pods).noneMatch(this::includes);
        failed("PodsFailed", null);
        assertThat(pods).as("the last wave too").noneMatch(this::includes);
        having.add(pods.get(5).getMetadata().getUid());
        assertThat(pods.stream().filter(this::includes)).containsExactly(pods.get(5));

        failed("ProgressDeadlineExceeded", 2);
        assertThat(pods.stream().filter(this::includes)).hasSize(2).contains(pods.get(5));
    }

    private void failed(final String reason, final @Nullable Integer released) {
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(),
                null,
                null,
                new RolloutStatus(
                        patch.getSpec().change().patch().digest(),
                        RolloutPhase.FAILED,
                        1,
                        released,
                        Instant.parse("2026-11-23T22:00:00Z"),
                        new RolloutFailure(1L, reason, "pod redis-0 ended"))));
    }

    private boolean includes(final Pod pod) {
        return Release.includes(
                patch, pod, () -> pods, any -> having.contains(any.getMetadata().getUid()));
    }

    private void released(final RolloutPhase phase, final @Nullable Integer released) {
        rollout(patch.getSpec().change().patch().digest(), phase, 1, released);
    }

    private void rollout(
            final Digest digest, final RolloutPhase phase, final int wave, final @Nullable Integer released) {
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(),
                null,
                null,
                new RolloutStatus(digest, phase, wave, released, Instant.parse("2026-11-23T22:00:00Z"), null)));
    }
}

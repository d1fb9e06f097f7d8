// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class WritesTest {
    private static final Duration START = Duration.ofDays(-1);
    private static final LayerStatus APPLIED =
            status(present("one", "a"), LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED);

    private final Writes writes = new Writes();

    @Test
    void aProgramThatStartsAndEndsThreadsIsToldOfOnceAMinute() {
        assertThat(News.between(report(last(APPLIED), 5), report(last(APPLIED), 6)))
                .isEqualTo(News.NUMBERS);
        int written = 0;
        for (int second = 0; second < 600; second += 5) {
            written += writes.due(News.NUMBERS, false, START.plusSeconds(second)) ? 1 : 0;
        }
        assertThat(written).isEqualTo(10);
    }

    @Test
    void whatBecameOfALayerIsToldAtOnceUnlessThatGoesOnAndOn() {
        int atOnce = 0;
        for (int i = 0; i < 100; i++) {
            atOnce += writes.due(News.STATES, true, START.plusMillis(i)) ? 1 : 0;
        }
        assertThat(atOnce).isEqualTo(10);
        assertThat(writes.due(News.STATES, true, START.plusSeconds(2))).isTrue();
        assertThat(writes.due(News.STATES, true, START.plusMillis(2100))).isFalse();
        assertThat(writes.due(News.STATES, true, START.plusSeconds(120))).isTrue();
        assertThat(writes.due(News.STATES, true, START.plusSeconds(120))).isTrue();
    }

    @Test
    void nothingNewIsNeverWritten() {
        final PodViewStatus report = report(last(APPLIED), 5);
        assertThat(News.between(report, report)).isEqualTo(News.NONE);
        assertThat(writes.due(News.NONE, true, START)).isFalse();
    }

    @Test
    void aStateAReasonAProcessAndAGenerationAreNews() {
        final LayerStatus applying = status(present("one", "a"), LayerState.APPLYING, LayerReason.MOVING_THREADS);
        final LayerStatus held = status(present("one", "a"), LayerState.APPLYING, LayerReason.WAITING_FOR_QUIESCENCE);
        assertThat(News.between(null, report(last(applying), 5))).isEqualTo(News.STATES);
        assertThat(News.between(report(last(applying), 5), report(last(APPLIED), 5)))
                .isEqualTo(News.STATES);
        assertThat(News.between(report(last(applying), 5), report(last(held), 5)))
                .isEqualTo(News.STATES);
        assertThat(News.between(
                        report(last(APPLIED), 5),
                        new PodViewStatus(4L, report(last(APPLIED), 5).summary(), List.of(last(APPLIED)))))
                .isEqualTo(News.STATES);
        assertThat(News.between(
                        report(last(APPLIED), 5),
                        new PodViewStatus(3L, report(last(APPLIED), 5).summary(), List.of())))
                .isEqualTo(News.STATES);
    }

    @Test
    void processesThatNoLayerIsForAndHeldThreadsAreNumbers() {
        final LayerStatus nothing =
                status(present("one", "a"), LayerState.NOTHING_TO_DO, LayerReason.BUILD_ID_MISMATCH);
        assertThat(News.between(
                        report(last(nothing), 0),
                        new PodViewStatus(3L, report(last(nothing), 0).summary(), List.of())))
                .isEqualTo(News.NUMBERS);
        final ProcessStatus calm = last(APPLIED);
        final ProcessStatus holding = new ProcessStatus(
                calm.container(),
                calm.containerId(),
                calm.bootId(),
                calm.pid(),
                calm.startTime(),
                calm.program(),
                calm.view(),
                calm.threads(),
                List.of(new HeldThread(8, "io", "poll", Instant.EPOCH)),
                calm.layers());
        assertThat(News.between(report(calm, 1), report(holding, 1))).isEqualTo(News.NUMBERS);
    }

    private static PodViewStatus report(final ProcessStatus process, final int threads) {
        return new PodViewStatus(
                3L,
                new PodViewSummary(LayerState.APPLIED, 1, new ThreadCounts(threads, threads, 0), null),
                List.of(process));
    }
}

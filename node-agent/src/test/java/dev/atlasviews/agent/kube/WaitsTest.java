// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class WaitsTest {
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private Instant clock = BEGIN;
    private long nanos = Long.MAX_VALUE - 1_000_000;
    private final Waits waits = new Waits(() -> clock, () -> nanos);

    @Test
    void whatBeganBeforeTheFirstQuestionCountsByTheClock() {
        clock = BEGIN.plus(MINUTE);
        assertThat(waits.since(BEGIN)).isEqualTo(MINUTE);
        pass(MINUTE);
        assertThat(waits.since(BEGIN)).isEqualTo(Duration.ofMinutes(2));
    }

    @Test
    void whatBeginsNowCountsFromNowOnThoughNobodyAsksBeforeTheClockIsSet() {
        final Instant begin = waits.now();
        pass(MINUTE);
        clock = clock.plus(Duration.ofHours(2));
        assertThat(waits.since(begin)).isEqualTo(MINUTE);
    }

    @Test
    void aClockThatIsSetChangesNothing() {
        assertThat(waits.since(BEGIN)).isZero();
        pass(MINUTE);
        for (final Duration jump : new Duration[] {Duration.ofHours(2), Duration.ofDays(-400)}) {
            clock = clock.plus(jump);
            assertThat(waits.since(BEGIN)).isEqualTo(MINUTE);
        }
    }

    @Test
    void whatBeganAtATimeThatIsToComeBeganJustNow() {
        clock = BEGIN.minus(MINUTE);
        assertThat(waits.since(BEGIN)).isZero();
        pass(MINUTE);
        assertThat(waits.since(BEGIN)).isEqualTo(MINUTE);
    }

    @Test
    void whatWasNotAskedForLongestIsForgottenFirst() {
        waits.since(BEGIN);
        for (int i = 1; i <= 4096; i++) {
            waits.since(BEGIN.plusSeconds(i));
        }
        clock = BEGIN.plus(MINUTE);
        assertThat(waits.since(BEGIN.plusSeconds(1))).isZero();
        assertThat(waits.since(BEGIN)).isEqualTo(MINUTE);
    }

    private void pass(final Duration time) {
        clock = clock.plus(time);
        nanos += time.toNanos();
    }
}

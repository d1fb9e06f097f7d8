// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.views.ThreadEntry;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AttemptTest {
    private static final int ENOUGH = 10;

    private final Attempt attempt = new Attempt(new ThreadEntry(7, 0, false, false, 100, "main"));

    @Test
    void aThreadThatRestsIsLookedAtEverLessOften() {
        long before = 0;
        for (int i = 0; i < ENOUGH; i++) {
            attempt.seen(5);
            before = System.nanoTime();
            attempt.later(1);
        }
        assertThat(attempt.next() - before).isGreaterThanOrEqualTo(millis(128));

        attempt.seen(6);
        attempt.later(1);
        assertThat(attempt.next() - System.nanoTime()).as("it has run").isLessThanOrEqualTo(millis(8));
    }

    @ParameterizedTest
    @CsvSource({"1, 8", "50, 50", "5000, 128"})
    void threadsThatRunAreLookedAtAThousandTimesASecondTogether(final int threads, final int milliseconds) {
        long sequence = 0;
        long before = 0;
        for (int i = 0; i < ENOUGH; i++) {
            if (i % 2 == 0) {
                attempt.seenRunning();
            } else {
                attempt.seen(++sequence);
            }
            before = System.nanoTime();
            attempt.later(threads);
        }
        assertThat(attempt.next() - before).isGreaterThanOrEqualTo(millis(milliseconds));
        assertThat(attempt.next() - System.nanoTime()).isLessThanOrEqualTo(millis(milliseconds));
    }

    private static long millis(final long milliseconds) {
        return Duration.ofMillis(milliseconds).toNanos();
    }
}

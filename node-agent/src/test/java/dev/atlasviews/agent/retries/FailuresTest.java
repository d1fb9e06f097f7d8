// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.retries;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class FailuresTest {
    private static final Duration FIRST = Duration.ofSeconds(5);
    private static final Duration LONGEST = Duration.ofSeconds(15);

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);
    private final Failures<String, IOException> failures = new Failures<>(now::get);

    @Test
    void whatFailsAgainRestsEverLonger() {
        assertThat(failures.resting("a")).isEmpty();
        for (final int seconds : new int[] {5, 10, 15, 15}) {
            fail("a");
            pass(Duration.ofSeconds(seconds).minusNanos(1));
            assertThat(failures.resting("a")).as("within %d s", seconds).isPresent();
            pass(Duration.ofNanos(1));
            assertThat(failures.resting("a")).as("after %d s", seconds).isEmpty();
            assertThat(failures.last("a")).isPresent();
        }
        assertThat(failures.last("b")).isEmpty();
    }

    @Test
    void whatCameRightBeginsAnew() {
        fail("a");
        fail("a");
        failures.succeeded("a");
        assertThat(failures.last("a")).isEmpty();

        fail("a");
        pass(FIRST);
        assertThat(failures.resting("a")).isEmpty();
    }

    @Test
    void theFirstPauseIsTheLeast() {
        fail("a");
        failures.failed("a", new IOException("worse"), LONGEST, LONGEST);
        pass(LONGEST.minusNanos(1));
        assertThat(failures.resting("a"))
                .get()
                .extracting(IOException::getMessage)
                .isEqualTo("worse");
    }

    @Test
    void ofVeryManyTheFirstIsForgotten() {
        for (int i = 0; i < 2100; i++) {
            fail("number " + i);
        }
        assertThat(failures.last("number 0")).isEmpty();
        assertThat(failures.last("number 2099")).isPresent();
    }

    @Test
    void asManyAsSomePodsHaveRestAll() {
        int tries = 0;
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 400; i++) {
                final String what = "number " + i;
                if (failures.resting(what).isEmpty()) {
                    tries++;
                    fail(what);
                }
            }
        }
        assertThat(tries).isEqualTo(400);
    }

    private void fail(final String what) {
        failures.failed(what, new IOException(what), FIRST, LONGEST);
    }

    private void pass(final Duration time) {
        now.addAndGet(time.toNanos());
    }
}

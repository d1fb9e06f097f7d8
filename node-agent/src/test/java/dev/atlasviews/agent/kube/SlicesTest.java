// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class SlicesTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);

    @Test
    void whereFewAreHeldEachHasItsTime() {
        final var slices = new Slices(5, now::get);
        for (int i = 0; i < 5; i++) {
            assertThat(used(slices)).isEqualTo(Duration.ofSeconds(2));
        }
    }

    @Test
    void aPassOverManyThatAreHeldTakesNotMuchLonger() {
        final long begun = now.get();
        final var slices = new Slices(100, now::get);
        for (int i = 0; i < 100; i++) {
            assertThat(used(slices)).isBetween(Duration.ofMillis(99), Duration.ofMillis(101));
        }
        assertThat(Duration.ofNanos(now.get() - begun)).isCloseTo(Duration.ofSeconds(10), Duration.ofMillis(100));
    }

    @Test
    void whatSomeDoNotNeedTheOthersGet() {
        final var slices = new Slices(100, now::get);
        for (int i = 0; i < 98; i++) {
            slices.next();
        }
        assertThat(used(slices)).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void eachThreadIsTriedHoweverManyThereAre() {
        final var slices = new Slices(500, now::get);
        for (int i = 0; i < 600; i++) {
            assertThat(used(slices)).as("process %d", i).isGreaterThanOrEqualTo(Duration.ofMillis(50));
        }
    }

    /** By threads that are held until the end. */
    private Duration used(final Slices slices) {
        final Duration slice = slices.next();
        now.addAndGet(slice.toNanos());
        return slice;
    }
}

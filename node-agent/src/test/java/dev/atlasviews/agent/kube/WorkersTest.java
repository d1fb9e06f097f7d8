// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class WorkersTest {
    private static final Duration LONG = Duration.ofHours(1);

    @Test
    void whatComesBackWhileItsWorkerLearnsThatItIsGoneIsWorkedOn() {
        final AtomicInteger passes = new AtomicInteger();
        final CountDownLatch read = new CountDownLatch(1);
        final CountDownLatch woken = new CountDownLatch(1);
        try (Workers workers = new Workers((key, pace) -> {
            if (passes.incrementAndGet() == 1) {
                read.countDown();
                await().until(() -> woken.getCount() == 0);
                return Optional.empty();
            }
            return Optional.of(LONG);
        })) {
            workers.wake("default/view");
            await().until(() -> read.getCount() == 0);
            workers.wake("default/view");
            woken.countDown();

            await().until(() -> passes.get() == 2);
        }
    }

    @Test
    void whatWasGoneIsWorkedOnWhenItIsThereAgain() {
        final AtomicInteger passes = new AtomicInteger();
        try (Workers workers = new Workers((key, pace) -> {
            passes.incrementAndGet();
            return Optional.empty();
        })) {
            for (int i = 1; i <= 20; i++) {
                final int wakes = i;
                workers.wake("default/view");
                await().pollInterval(Duration.ofMillis(1)).until(() -> passes.get() == wakes);
            }
        }
    }

    @Test
    void aWaitEndsWithTheNextWake() {
        final AtomicInteger passes = new AtomicInteger();
        try (Workers workers = new Workers((key, pace) -> {
            passes.incrementAndGet();
            return Optional.of(LONG);
        })) {
            workers.wake("default/view");
            await().until(() -> passes.get() == 1);
            workers.wake("default/view");

            await().until(() -> passes.get() == 2);
        }
    }

    @Test
    void pausesGrowWhileNothingChanges() {
        final Pace pace = new Pace();

        assertThat(pace.next(true)).isEqualTo(Duration.ofMillis(200));
        final List<Long> pauses =
                IntStream.range(0, 6).mapToObj(i -> pace.next(false).toMillis()).toList();
        assertThat(pauses).containsExactly(400L, 800L, 1600L, 3200L, 5000L, 5000L);
        assertThat(pace.next(true)).isEqualTo(Duration.ofMillis(200));
    }
}

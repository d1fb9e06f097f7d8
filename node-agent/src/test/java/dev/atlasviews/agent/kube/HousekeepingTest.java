// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class HousekeepingTest {

    @Test
    void aChoreIsDoneAgainAndAgainWhateverGoesWrong() throws InterruptedException {
        final var done = new CountDownLatch(3);
        try (Housekeeping housekeeping = new Housekeeping("tidying", () -> {
            done.countDown();
            if (done.getCount() == 2) {
                throw new IOException("the disk");
            }
            throw new IllegalStateException("odd name");
        })) {
            housekeeping.start(Duration.ofMillis(1));
            assertThat(done.await(1, TimeUnit.MINUTES)).isTrue();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class PassesTest {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);
    private final Passes passes = new Passes(registry, now::get);

    @Test
    void wherePassesEndAgainAndAgainNothingIsStuckThoughOneIs() {
        final Passes.Pass hanging = passes.begin();
        pass(LIMIT);
        assertThat(passes.stuckFor(LIMIT)).isFalse();
        pass(Duration.ofSeconds(1));
        assertThat(passes.stuckFor(LIMIT)).as("none has ended").isTrue();

        passes.begin().close();
        assertThat(passes.stuckFor(LIMIT)).as("another one ends").isFalse();
        pass(LIMIT.plusSeconds(1));
        assertThat(passes.stuckFor(LIMIT)).as("and no other after it").isTrue();

        hanging.close();
        assertThat(passes.stuckFor(LIMIT)).isFalse();
    }

    @Test
    void whereThereWasNothingToDoTheFirstPassIsNotStuck() {
        pass(LIMIT.multipliedBy(2));
        assertThat(passes.stuckFor(LIMIT)).isFalse();
        final Passes.Pass first = passes.begin();
        assertThat(passes.stuckFor(LIMIT)).isFalse();
        pass(LIMIT.plusSeconds(1));
        assertThat(passes.stuckFor(LIMIT)).isTrue();
        first.close();
    }

    private void pass(final Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void onlyWhatSucceededIsCountedSo() {
        try (Passes.Pass pass = passes.begin()) {
            pass.succeeded();
        }
        passes.begin().close();
        passes.begin().close();
        assertThat(count("success")).isEqualTo(1);
        assertThat(count("failure")).isEqualTo(2);
    }

    private long count(final String result) {
        return registry.timer("atlas.agent.pass", "result", result).count();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class PassesTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final Passes passes = new Passes(registry);

    @Test
    void aPassThatDoesNotEndIsKnown() {
        final Passes.Pass pass = passes.begin();
        assertThat(passes.anyLongerThan(Duration.ofMinutes(10))).isFalse();
        assertThat(passes.anyLongerThan(Duration.ofNanos(-1))).isTrue();
        pass.close();
        assertThat(passes.anyLongerThan(Duration.ofNanos(-1))).isFalse();
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

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HeldThreadsTest {
    private static final HeldThreads.Way WAY = new HeldThreads.Way(100, 0, 1);

    private final HeldThreads held = new HeldThreads();

    @Test
    void aThreadIsHeldSinceTheFirstTryAndByWhatTheLastSaw() {
        assertThat(held.held(7, WAY, "first")).isTrue();
        final Instant since = held.of(7, WAY).orElseThrow().since();

        assertThat(held.held(7, WAY, "second")).as("for the first time").isFalse();
        assertThat(held.of(7, WAY)).contains(new HeldThreads.Held(WAY, "second", since));
    }

    @Test
    void whatHeldAThreadOnAnotherWayOrAnotherThreadOfItsIdIsForgotten() {
        held.held(7, WAY, "function");
        held.held(8, WAY, "function");
        held.held(9, WAY, "function");
        assertThat(held.of(7, new HeldThreads.Way(100, 0, 2))).isEmpty();

        held.keep(Map.of(7, new HeldThreads.Way(100, 0, 2), 8, new HeldThreads.Way(101, 0, 1)));
        assertThat(held.of(7, WAY)).isEmpty();
        assertThat(held.of(8, WAY)).isEmpty();
        assertThat(held.of(9, WAY)).as("which is gone").isEmpty();
        assertThat(held.held(7, WAY, "function")).isTrue();
    }
}

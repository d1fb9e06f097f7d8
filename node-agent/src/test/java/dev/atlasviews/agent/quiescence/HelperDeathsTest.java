// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.TargetProcess;
import org.junit.jupiter.api.Test;

final class HelperDeathsTest {
    private long now = Long.MAX_VALUE - 1;

    @Test
    void whoDoesItAgainHasNoHelperForAWhile() {
        final TargetProcess process = new TargetProcess(TargetProcess.PROC, 7, 1);
        final TargetProcess successor = new TargetProcess(TargetProcess.PROC, 7, 2);
        final HelperDeaths deaths = new HelperDeaths(() -> now);
        deaths.add(process);
        assertThat(deaths.tooMany(process)).isFalse();
        deaths.add(process);
        assertThat(deaths.tooMany(process)).isTrue();
        assertThat(deaths.tooMany(successor)).isFalse();

        now += HelperDeaths.WHILE.toNanos();
        assertThat(deaths.tooMany(process)).isTrue();
        now += 1;
        assertThat(deaths.tooMany(process)).isFalse();
        deaths.add(process);
        assertThat(deaths.tooMany(process)).as("an old one does not count").isFalse();
    }
}

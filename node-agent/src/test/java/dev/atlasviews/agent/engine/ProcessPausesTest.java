// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.TargetProcess;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class ProcessPausesTest {
    private final ProcessPauses pauses = new ProcessPauses();

    @Test
    void aProcessThatWaitsKeepsItsPausesAndThoseThatAreGoneDoNotPileUp() {
        final FreezePauses waiting = pauses.of(process(1));
        final FreezePauses gone = pauses.of(process(2));
        for (int pid = 3; pid < 10_000; pid++) {
            pauses.of(process(pid));
            assertThat(pauses.of(process(1))).isSameAs(waiting);
        }
        assertThat(pauses.of(process(2))).isNotSameAs(gone);
    }

    @Test
    void whoWaitsNoMoreBeginsAnew() {
        final FreezePauses first = pauses.of(process(1));
        pauses.forget(process(1));
        assertThat(pauses.of(process(1))).isNotSameAs(first);
    }

    private static TargetProcess process(final int pid) {
        return new TargetProcess(Path.of("nowhere"), pid, 1);
    }
}

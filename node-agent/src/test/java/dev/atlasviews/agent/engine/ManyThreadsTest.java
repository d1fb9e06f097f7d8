// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A process with more threads than there is time for, as each takes a while to look at. */
final class ManyThreadsTest extends EngineTest {
    private static final long IN_FUNCTION_1 = FakeProcess.FUNCTIONS + 0x100 + 8;
    private static final Layer A = Layer.of(FakeProcess.patch("a", List.of(), 1));
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final int FIRST = 7;
    private static final int LAST = 66;

    private final AtomicInteger looks = new AtomicInteger();

    @BeforeEach
    void startProcess() throws IOException {
        start(A);
        for (int tid = FIRST; tid <= LAST; tid++) {
            views.thread(tid, "worker");
        }
        views.interference = tid -> {
            if (tid != 0) {
                looks.incrementAndGet();
                FakeViews.pause(LOOK);
            }
        };
    }

    @Test
    void theDeadlineIsKeptInTheMiddleOfThem() throws IOException {
        assertThat(engine.reconcile(Scope.THREAD, Duration.ofMillis(100), A).state())
                .isEqualTo(State.MIXED);
        assertThat(looks.get()).as("100 ms, and 50 ms of a last pass").isBetween(2, 8);
    }

    @Test
    void thoseThatWereNotTriedAreTriedFirstTheNextTime() throws IOException {
        for (int tid = FIRST; tid < LAST; tid++) {
            views.at(tid, IN_FUNCTION_1);
        }
        for (int i = 0; i < LAST && views.viewOf(LAST) == 0; i++) {
            assertThat(engine.reconcile(Scope.THREAD, Duration.ZERO, A).state()).isEqualTo(State.MIXED);
        }
        assertThat(views.viewOf(LAST)).isEqualTo(1);

        views.interference = tid -> {};
        for (int tid = FIRST; tid < LAST; tid++) {
            views.at(tid, 0);
        }
        assertThat(engine.reconcile(Scope.THREAD, SHORT, A).state()).isEqualTo(State.IN_PLACE);
    }
}

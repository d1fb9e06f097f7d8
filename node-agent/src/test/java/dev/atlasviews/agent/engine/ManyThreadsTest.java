// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A process with more threads than there is time for, as each takes a while to look at. */
final class ManyThreadsTest extends EngineTest {
    private static final long IN_FUNCTION_1 = FakeProcess.FUNCTIONS + 0x100 + 8;
    private static final Layer A = Layer.of(FakeProcess.patch("a", List.of(), 1));
    private static final Layer B = Layer.of(FakeProcess.patch("b", List.of(), 2));
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final int FIRST = 7;
    private static final int LAST = 66;

    private final AtomicInteger looks = new AtomicInteger();

    @BeforeEach
    void startProcess() throws IOException {
        start(A, B);
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

    @Test
    void thoseThatWereNotTriedAreHeldByWhatHeldThemBefore() throws IOException {
        final List<ThreadReport> known = allHeld();

        final ProcessReport cutShort = engine.reconcile(Scope.THREAD, Duration.ZERO, A);
        assertThat(looks.get()).isLessThan(LAST - FIRST);
        assertThat(cutShort.held()).isEqualTo(known);

        views.at(LAST, 0);
        views.interference = tid -> {};
        assertThat(engine.reconcile(Scope.THREAD, SHORT, A).held()).isEqualTo(known.subList(0, LAST - FIRST));
    }

    @Test
    void whatHeldThemOnTheirWayToAnotherViewHoldsThemNotOnThisOne() throws IOException {
        allHeld();

        assertThat(engine.reconcile(Scope.THREAD, Duration.ZERO, B).held()).isEmpty();
    }

    /** All of them are held, and are seen to be. */
    private List<ThreadReport> allHeld() throws IOException {
        for (int tid = FIRST; tid <= LAST; tid++) {
            views.at(tid, IN_FUNCTION_1);
        }
        final IntConsumer slow = views.interference;
        views.interference = tid -> {};
        final ProcessReport report = engine.reconcile(Scope.THREAD, SHORT, A);
        views.interference = slow;
        assertThat(report.held()).hasSize(LAST - FIRST + 1);
        assertThat(report.held()).extracting(ThreadReport::heldBy).containsOnly("function1");
        return report.held();
    }
}

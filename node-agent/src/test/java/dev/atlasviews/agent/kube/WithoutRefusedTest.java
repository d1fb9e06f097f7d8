// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ProcessReport.State;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class WithoutRefusedTest {
    private static final Layer A = Fixtures.engineLayer(Fixtures.present("one", "a"));
    private static final Layer B = Fixtures.engineLayer(Fixtures.present("two", "b"));
    private static final Layer C = Fixtures.engineLayer(Fixtures.present("three", "c"));

    private final List<List<Layer>> tries = new ArrayList<>();

    @Test
    void whatNoThreadHasIsLeftOutBeforeWhatThreadsAreOnTheirWayTo() throws IOException {
        final WithoutRefused attempt = new WithoutRefused(Set.of(A.digest(), B.digest()), Set.of(A.digest()));

        final ProcessReport report = attempt.reconcile(List.of(A, B, C), this::refusing);

        assertThat(tries).containsExactly(List.of(A, B, C), List.of(A, B), List.of(B));
        assertThat(report.state())
                .as("what the process has had for long is not left out")
                .isEqualTo(State.REFUSED);
        assertThat(attempt.refusal(A.digest())).isPresent();
        assertThat(attempt.refusal(B.digest())).isEmpty();
    }

    private ProcessReport refusing(final List<Layer> layers) {
        tries.add(List.copyOf(layers));
        return new ProcessReport(
                Fixtures.PID,
                Fixtures.START_TIME,
                State.REFUSED,
                "Conflict",
                "",
                List.of(),
                List.of(),
                List.of(A.digest(), C.digest(), B.digest()),
                List.of(),
                0);
    }
}

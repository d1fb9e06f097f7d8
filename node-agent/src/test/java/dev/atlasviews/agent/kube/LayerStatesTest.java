// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.BEFORE;
import static dev.atlasviews.agent.kube.Fixtures.absent;
import static dev.atlasviews.agent.kube.Fixtures.layer;
import static dev.atlasviews.agent.kube.Fixtures.outdated;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.refused;
import static dev.atlasviews.agent.kube.Fixtures.report;
import static dev.atlasviews.agent.kube.Fixtures.stack;
import static dev.atlasviews.agent.kube.Fixtures.thread;
import static dev.atlasviews.agent.kube.Fixtures.without;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.engine.RefusedException;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ThreadSelector;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class LayerStatesTest {

    @ParameterizedTest
    @EnumSource(RefusedException.Reason.class)
    void whatTheEngineRefusesForIsInTheApi(final RefusedException.Reason reason) {
        assertThat(LayerReason.values()).extracting(LayerReason::value).contains(reason.value());
    }

    @Test
    void aThreadInAViewThatIsNotKnownHasNotMoved() {
        final ProcessReport report = report(State.MIXED, thread(1, "main", null), thread(2, "io", LayerStack.BASE));

        final LayerStatus leaving = of(absent("one", "a"), report);
        assertThat(leaving.state()).isEqualTo(LayerState.REVERTING);
        assertThat(leaving.threads()).isEqualTo(new ThreadCounts(2, 1, 0));

        final LayerStatus coming =
                of(present("one", "a"), report(State.MIXED, thread(1, "main", null), thread(2, "io", stack("a"))));
        assertThat(coming.state()).isEqualTo(LayerState.APPLYING);
        assertThat(coming.threads()).isEqualTo(new ThreadCounts(2, 1, 0));
    }

    @Test
    void aViewOfAProcessThatNeverHadAPatchIsItsOwn() {
        final ProcessReport report =
                report(State.IN_PLACE, 0, thread(1, "main", null), thread(2, "io", LayerStack.BASE));

        assertThat(of(absent("one", "a"), report).state()).isEqualTo(LayerState.REVERTED);
    }

    @Test
    void aThreadThatIsHeldInAnOutdatedViewHasNeitherComeToItsLayersNorLeftThem() {
        final ProcessReport report =
                report(State.MIXED, thread(1, "main", stack("a")), outdated(2, "io", stack("a"), "conn_loop"));

        final LayerStatus coming = of(present("one", "a"), report);
        assertThat(coming.state()).isEqualTo(LayerState.APPLYING);
        assertThat(coming.reason()).isEqualTo(LayerReason.WAITING_FOR_QUIESCENCE.value());
        assertThat(coming.threads()).isEqualTo(new ThreadCounts(2, 1, 1));

        assertThat(of(absent("one", "a"), report).threads()).as("still there").isEqualTo(new ThreadCounts(2, 2, 1));
        assertThat(of(absent("two", "b"), report).state()).isEqualTo(LayerState.REVERTED);
    }

    @Test
    void aLayerIsGoneWhenNoThreadHasItWhateverThreadsAreCalledNow() {
        final Layer layer = layer("one", "a", DesiredState.ABSENT, "io*");

        assertThat(of(layer, report(State.MIXED, thread(1, "renamed", stack("a"))))
                        .state())
                .isEqualTo(LayerState.REVERTING);
        assertThat(of(layer, report(State.IN_PLACE, thread(1, "renamed", LayerStack.BASE)))
                        .state())
                .isEqualTo(LayerState.REVERTED);
    }

    @Test
    void aLayerThatIsTakenBackForItsDeadlineSaysSoOnTheWay() {
        final ProcessReport report = report(State.MIXED, thread(1, "main", stack("a")));

        final LayerStatus status = LayerStates.of(present("one", "a"), report, true, BEFORE);
        assertThat(status.state()).isEqualTo(LayerState.REVERTING);
        assertThat(status.reason()).isEqualTo(LayerReason.DEADLINE_EXCEEDED.value());
        assertThat(of(absent("one", "a"), report).reason()).isEqualTo(LayerReason.MOVING_THREADS.value());
    }

    @Test
    void whereNoThreadMatchesNothingIsAppliedAndARefusalIsOne() {
        final Layer layer = layer("one", "a", DesiredState.PRESENT, "io*");

        final LayerStatus none = of(layer, report(State.IN_PLACE, thread(1, "main", LayerStack.BASE)));
        assertThat(none.state()).isEqualTo(LayerState.NOTHING_TO_DO);
        assertThat(none.message()).contains("no thread matches");

        final ProcessReport refused = refused("a", List.of(thread(1, "main", LayerStack.BASE)));
        assertThat(of(layer, refused).state()).isEqualTo(LayerState.REFUSED);
        assertThat(of(layer, refused).reason()).isEqualTo("SymbolNotFound");
    }

    @Test
    void aThreadThatDoesNotGetWhatALayerIsBasedOnIsNotWaitedFor() {
        final Layer layer = present("one", "on a");

        final LayerStatus some = of(
                layer,
                report(
                        State.IN_PLACE,
                        thread(1, "main", stack("a", "on a")),
                        without(2, "io", LayerStack.BASE, "on a")));
        assertThat(some.state()).isEqualTo(LayerState.APPLIED);
        assertThat(some.threads()).isEqualTo(new ThreadCounts(1, 1, 0));

        final LayerStatus none = of(layer, report(State.IN_PLACE, without(2, "io", LayerStack.BASE, "on a")));
        assertThat(none.state()).isEqualTo(LayerState.NOTHING_TO_DO);
        assertThat(none.message()).isEqualTo("no thread that gets what it is based on matches *");
    }

    @Test
    void whatIsMeantForAShareIsAppliedWhenThatShareRunsIt() {
        final Layer layer = new Layer(
                "default/one",
                Fixtures.digest("a"),
                new LayerArtifact("default", "a"),
                BEFORE,
                null,
                BEFORE,
                null,
                DesiredState.PRESENT,
                new ThreadSelector("io*", new IntOrString("50%")),
                Quiescence.DEFAULT);

        final LayerStatus half = of(
                layer,
                report(
                        State.IN_PLACE,
                        thread(1, "main", LayerStack.BASE),
                        thread(2, "io", stack("a")),
                        thread(3, "io", LayerStack.BASE)));
        assertThat(half.state()).isEqualTo(LayerState.APPLIED);
        assertThat(half.threads()).isEqualTo(new ThreadCounts(1, 1, 0));
        assertThat(half.message()).isEqualTo("all 1 threads of a share of 50% run it");

        final LayerStatus grown = of(
                layer,
                report(
                        State.IN_PLACE,
                        thread(2, "io", stack("a")),
                        thread(3, "io", LayerStack.BASE),
                        thread(4, "io", LayerStack.BASE)));
        assertThat(grown.state()).isEqualTo(LayerState.APPLYING);
        assertThat(grown.threads()).isEqualTo(new ThreadCounts(2, 1, 0));
    }

    @Test
    void aLayerMovesSinceItsPatchHasComeNotSinceItWasAskedFor() {
        final LayerStatus fetching = LayerStates.fetching(present("one", "a"), "on its way", BEFORE);
        final ProcessReport report = report(State.MIXED, thread(1, "a", stack("a")), thread(2, "b", LayerStack.BASE));
        final LayerStatus moving = LayerStates.of(present("one", "a"), report, false, BEFORE.plusSeconds(9));

        assertThat(moving.state()).isEqualTo(fetching.state());
        assertThat(LayerStates.since(moving, Optional.of(fetching)).since()).isEqualTo(BEFORE.plusSeconds(9));
        final LayerStatus later = LayerStates.fetching(present("one", "a"), "still", BEFORE.plusSeconds(5));
        assertThat(LayerStates.since(later, Optional.of(fetching)).since()).isEqualTo(BEFORE);
    }

    @Test
    void messagesAreAsLongAsTheyMayBe() {
        assertThat(LayerStates.refused(present("one", "a"), "Reason", "x".repeat(5000), BEFORE)
                        .message())
                .hasSize(1024);
    }

    private static LayerStatus of(final Layer layer, final ProcessReport report) {
        return LayerStates.of(layer, report, false, BEFORE);
    }
}

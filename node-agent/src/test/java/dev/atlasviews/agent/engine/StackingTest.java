// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.atlasviews.agent.engine.Desired.OnDeadline;
import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several layers in one process, two of which replace the same function: whatever becomes of them is one move of a thread. */
final class StackingTest extends EngineTest {
    private static final int BODY = 32;

    private static final Layer A = Layer.of(FakeProcess.patch("a", List.of(), 1, 2));
    /** The next version of A. */
    private static final Layer A2 = Layer.of(FakeProcess.patch("a2", List.of(), 1, 3));

    private static final Layer ON_A = Layer.of(FakeProcess.patch("on a", List.of("a"), 1, 2, 4));
    private static final Layer C = Layer.of(FakeProcess.patch("c", List.of(), 5));
    private static final Layer D = Layer.of(FakeProcess.patch("d", List.of(), 6));

    @BeforeEach
    void startProcess() throws IOException {
        start(A, A2, ON_A, C, D);
        views.thread(9, "io");
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void layersThatOverlapComeInOneMoveAndTheUpperCounts(final Scope scope) throws IOException {
        assertThat(moves(scope, A, ON_A, C)).containsExactly("7 to 1", "8 to 1", "9 to 1");

        assertThat(replacedBy(1)).as("function 1").isEqualTo(body(ON_A, 1));
        assertThat(replacedBy(4)).isEqualTo(body(ON_A, 4));
        assertThat(replacedBy(5)).isEqualTo(body(C, 5));
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void theUpperOfTwoThatOverlapGoesInOneMoveAndTheLowerCountsAgain(final Scope scope) throws IOException {
        moves(scope, A, ON_A, C);

        assertThat(moves(scope, A, C)).containsExactly("7 to 2", "8 to 2", "9 to 2");
        assertThat(replacedBy(1)).isEqualTo(body(A, 1));
        assertThat(replacedBy(4)).isZero();
        assertThat(views.views()).as("nobody needs the other any more").containsExactly(2);
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void anUpgradeIsOneMove(final Scope scope) throws IOException {
        moves(scope, A, C);

        assertThat(moves(scope, A2, C)).containsExactly("7 to 2", "8 to 2", "9 to 2");
        assertThat(replacedBy(1)).isEqualTo(body(A2, 1));
        assertThat(replacedBy(2)).as("what only the version before changed").isZero();
        assertThat(replacedBy(3)).isEqualTo(body(A2, 3));
        assertThat(views.births()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void theMiddleOneGoesInOneMove(final Scope scope) throws IOException {
        moves(scope, A, C, D);

        assertThat(moves(scope, A, D)).containsExactly("7 to 2", "8 to 2", "9 to 2");
        assertThat(List.of(replacedBy(1), replacedBy(5), replacedBy(6))).containsExactly(body(A, 1), 0L, body(D, 6));
        assertThat(moves(scope)).containsExactly("7 to 0", "8 to 0", "9 to 0");
        assertThat(views.views()).isEmpty();
    }

    @Test
    void aMiddleOneThatAnotherIsBasedOnDoesNotGoAlone() throws IOException {
        moves(Scope.THREAD, C, A, ON_A);

        final ProcessReport refused = engine.reconcile(Scope.THREAD, SHORT, C, ON_A);
        assertThat(refused.reason()).isEqualTo("Conflict");
        assertThat(refused.refused()).containsExactly(ON_A.digest());
        assertThat(views.views()).as("as it was").containsExactly(1);
        assertThat(moves(Scope.THREAD, C)).containsExactly("7 to 2", "8 to 2", "9 to 2");
    }

    @Test
    void aThreadIsHeldByWhatDiffersBetweenTheStacksAndByNothingElse() throws IOException {
        moves(Scope.THREAD, A, C, D);
        // In what goes, in what stays, and in what of the lower one is covered.
        views.at(7, body(C, 5) + 4).at(8, body(D, 6) + 4).at(9, body(A, 1) + 4);

        final ProcessReport middle = engine.reconcile(Scope.THREAD, SHORT, A, D);
        assertThat(middle.state()).isEqualTo(State.MIXED);
        assertThat(middle.held()).extracting(ThreadReport::heldBy).containsExactly("function5");
        views.at(7, 0);
        assertThat(moves(Scope.THREAD, A, D)).containsExactly("7 to 2");

        final ProcessReport above = engine.reconcile(Scope.THREAD, SHORT, A, ON_A, D);
        assertThat(above.held()).extracting(ThreadReport::tid).containsExactly(9);
        assertThat(above.held()).extracting(ThreadReport::heldBy).containsExactly("function1");
    }

    @Test
    void aStackThatDoesNotComeInTimeIsTakenBackToTheStackThatWas() throws IOException {
        moves(Scope.THREAD, A, C);
        views.at(9, body(A, 1) + 4);

        final ProcessReport late =
                engine.run(new Desired(List.of(A2, C), List.of(A), Scope.THREAD, SHORT, OnDeadline.REVERT));

        assertThat(late.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(late.reason()).isEqualTo("DeadlineExceeded");
        assertThat(late.message()).contains("thread 9 io is in function1");
        assertThat(List.of(views.viewOf(7), views.viewOf(8), views.viewOf(9))).containsOnly(1);
        assertThat(views.views()).containsExactly(1);
        assertThat(views.births()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void aThreadGetsALayerOnlyWithWhatItIsBasedOn(final Scope scope) throws IOException {
        final Layer forIo = new Layer(A.patch(), new ThreadFilter("io"), List.of());

        assertThat(moves(scope, forIo, ON_A)).containsExactly("8 to 1", "9 to 1");
        assertThat(moves(scope, forIo, ON_A)).as("what is in place stays").isEmpty();

        assertThat(moves(scope, A, ON_A)).containsExactly("7 to 1");
        assertThat(moves(scope, forIo, ON_A, C)).containsExactly("7 to 2", "8 to 3", "9 to 3");
        assertThat(List.of(replacedBy(1), replacedBy(4), replacedBy(5)))
                .as("the code that the upper one was built on is not there either")
                .containsExactly(0L, 0L, body(C, 5));
    }

    @Test
    void aShareOfTheLowerLayerBoundsTheUpper() throws IOException {
        final Layer half = new Layer(A.patch(), new ThreadFilter("*", ThreadShare.of("2")), List.of());
        final Layer onIo = new Layer(ON_A.patch(), new ThreadFilter("io"), List.of());

        final ProcessReport report = engine.reconcile(Scope.THREAD, SHORT, half, onIo, C);

        assertThat(report.state()).isEqualTo(State.IN_PLACE);
        assertThat(report.threads())
                .extracting(ThreadReport::tid, ThreadReport::stack, ThreadReport::withheld)
                .containsExactly(
                        tuple(7, stack(A, C), List.of()),
                        tuple(8, stack(A, ON_A, C), List.of()),
                        tuple(9, stack(C), List.of(ON_A.digest())));
    }

    @Test
    void whatIsBasedOnALayerThatIsWithheldIsWithheldToo() throws IOException {
        final Layer onOnA = Layer.of(FakeProcess.patch("on on a", List.of("on a"), 4));
        final Layer forIo = new Layer(A.patch(), new ThreadFilter("io"), List.of());

        final ProcessReport report = engine.reconcile(Scope.THREAD, SHORT, forIo, ON_A, onOnA);

        assertThat(report.threads())
                .extracting(ThreadReport::withheld)
                .containsExactly(List.of(ON_A.digest(), onOnA.digest()), List.of(), List.of());
    }

    private static LayerStack stack(final Layer... layers) {
        return new LayerStack(Arrays.stream(layers).map(Layer::digest).toList());
    }

    /** The moves of threads that lead to these layers. */
    private List<String> moves(final Scope scope, final Layer... layers) throws IOException {
        views.log.clear();
        assertThat(engine.reconcile(scope, SHORT, layers).state())
                .as(() -> Arrays.toString(layers))
                .isEqualTo(State.IN_PLACE);
        return views.log.stream()
                .filter(line -> line.startsWith("move "))
                .map(line -> line.replace("move ", "").replace(" frozen", ""))
                .toList();
    }

    /** Where the function begins that all threads run in the place of another one; 0 if they run that. */
    private long replacedBy(final int function) {
        return views.jump(views.viewOf(7), FakeProcess.FUNCTIONS + function * 0x100L);
    }

    private long body(final Layer layer, final int function) throws IOException {
        return Areas.find(
                                process.process().mappings(),
                                layer.digest(),
                                FakeProcess.BUILD_ID,
                                layer.patch().targets().getFirst().sizes())
                        .getFirst()
                        .text()
                + (long) function * BODY;
    }
}

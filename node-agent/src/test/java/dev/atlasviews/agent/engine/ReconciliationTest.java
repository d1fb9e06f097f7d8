// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.engine.Desired.OnDeadline;
import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.RelocationTarget;
import dev.atlasviews.agent.patch.Sha256;
import dev.atlasviews.agent.views.ViewEntry;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On a process that does what the module says it does. */
final class ReconciliationTest extends EngineTest {
    private static final long IN_FUNCTION_1 = FakeProcess.FUNCTIONS + 0x100 + 8;
    private static final Layer A = Layer.of(FakeProcess.patch("a", List.of(), 1));
    private static final Layer B = Layer.of(FakeProcess.patch("b", List.of(), 2));
    private static final Layer THROWING = Layer.of(FakeProcess.patch(
            "throwing",
            List.of(),
            List.of(new PatchFunction("fresh", "throwing.o", null, new PatchFunction.NewBody(0, 16, 0L))),
            null));
    /** This machine's own. */
    private static final Path LIBGCC = Path.of("/lib/x86_64-linux-gnu/libgcc_s.so.1");

    @BeforeEach
    void startProcess() throws IOException {
        start(A, B, THROWING);
        views.thread(9, "io");
    }

    @Test
    void threadsMoveOneByOneAndBack() throws IOException {
        views.at(8, IN_FUNCTION_1);

        final ProcessReport mixed = reconcile(Scope.THREAD, SHORT, A);
        assertThat(mixed.state()).isEqualTo(State.MIXED);
        assertThat(mixed.held()).extracting(ThreadReport::heldBy).containsExactly("function1");
        assertThat(List.of(views.viewOf(7), views.viewOf(8), views.viewOf(9))).containsExactly(1, 0, 1);

        views.at(8, 0);
        assertThat(reconcile(Scope.THREAD, SHORT, A).inPlace()).isEqualTo(3);
        assertThat(views.births()).isEqualTo(1);

        assertThat(reconcile(Scope.THREAD, SHORT).inPlace()).isEqualTo(3);
        assertThat(views.views()).isEmpty();
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);
    }

    @Test
    void aShareOfTheThreadsMovesAndStaysThatShareUntilItIsMore() throws IOException {
        views.thread(10, "io");

        assertThat(reconcile(Scope.THREAD, SHORT, share("2")).state()).isEqualTo(State.IN_PLACE);
        assertThat(viewsOf(7, 8, 9, 10)).containsExactly(1, 1, 0, 0);
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);

        views.child(11, "late", 8);
        assertThat(reconcile(Scope.THREAD, SHORT, share("2")).state()).isEqualTo(State.IN_PLACE);
        assertThat(viewsOf(7, 8, 9, 10, 11)).as("whom a chosen thread made").containsExactly(1, 1, 0, 0, 0);

        assertThat(reconcile(Scope.THREAD, SHORT, share("60%")).state()).isEqualTo(State.IN_PLACE);
        assertThat(viewsOf(7, 8, 9, 10, 11)).containsExactly(1, 1, 1, 0, 0);

        assertThat(reconcile(Scope.THREAD, SHORT, A).inPlace()).isEqualTo(5);
        assertThat(viewsOf(7, 8, 9, 10, 11)).containsOnly(1);
        assertThat(reconcile(Scope.THREAD, SHORT, share("1")).state()).isEqualTo(State.IN_PLACE);
        assertThat(viewsOf(7, 8, 9, 10, 11)).containsExactly(1, 0, 0, 0, 0);
        assertThat(reconcile(Scope.THREAD, SHORT).inPlace()).isEqualTo(5);
        assertThat(views.views()).isEmpty();
    }

    @Test
    void aShareOfAProcessWhoseThreadsMoveTogetherMovesAtOneInstant() throws IOException {
        assertThat(reconcile(Scope.PROCESS, SHORT, share("34%")).state()).isEqualTo(State.IN_PLACE);
        assertThat(viewsOf(7, 8, 9)).containsExactly(1, 1, 0);
    }

    @Test
    void onlyForALayerThatComesOrGoesThreadsMoveTogether() throws IOException {
        final Layer atOnce = new Layer(A.patch(), ThreadFilter.ALL, List.of(), Scope.PROCESS);

        assertThat(reconcile(Scope.THREAD, SHORT, atOnce).inPlace()).isEqualTo(3);
        assertThat(views.log).contains("move 7 to 1 frozen");
        views.log.clear();
        assertThat(reconcile(Scope.THREAD, SHORT, atOnce, B).inPlace()).isEqualTo(3);
        assertThat(views.log).contains("move 7 to 2").noneMatch(line -> line.contains("fr"));

        views.log.clear();
        run(new Desired(List.of(B), List.of(atOnce), Scope.THREAD, SHORT, OnDeadline.KEEP));
        assertThat(views.log).anyMatch(line -> line.startsWith("move 7") && line.endsWith("frozen"));
    }

    private static Layer share(final String share) {
        return new Layer(A.patch(), new ThreadFilter("*", ThreadShare.of(share)), List.of());
    }

    private List<Integer> viewsOf(final Integer... threads) {
        return Arrays.stream(threads).map(views::viewOf).toList();
    }

    @Test
    void whereAllMoveTogetherNoneMovesAloneNorIsBornInTheNewCode() throws IOException {
        views.at(8, IN_FUNCTION_1);

        final ProcessReport report = reconcile(Scope.PROCESS, SHORT, A);

        assertThat(report.state()).isEqualTo(State.MIXED);
        assertThat(report.message()).contains("thread 8 io is in function1");
        assertThat(report.held()).extracting(ThreadReport::tid).containsExactly(8);
        assertThat(views.log).noneMatch(line -> line.startsWith("move"));
        assertThat(views.log).noneMatch(line -> line.startsWith("default"));
    }

    @Test
    void whereAllMoveTogetherBirthsFollowWhileTheyAreHeld() throws IOException {
        // Born at the last moment, where births were before.
        views.interference = tid -> {
            if (tid == 0 && views.births() == ViewEntry.CREATOR) {
                views.thread(10, "late");
            }
        };

        assertThat(reconcile(Scope.PROCESS, SHORT, A).state()).isEqualTo(State.IN_PLACE);

        assertThat(views.log)
                .filteredOn(line -> line.startsWith("move") || line.startsWith("default"))
                .containsExactly(
                        "move 7 to 1 frozen",
                        "move 8 to 1 frozen",
                        "move 9 to 1 frozen",
                        "default 1 frozen",
                        "move 10 to 1 frozen");
    }

    @Test
    void anAttemptThatTakesTooLongIsUndoneBeforeTheGateOpens() throws IOException {
        views.run();
        views.interference = tid -> {
            if (tid == 7 || tid == 8) {
                FakeViews.pause(Duration.ofMillis(300));
            }
        };

        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);

        assertThat(views.log).contains("freeze 1000", "move 7 to 1 frozen", "move 7 to 0 frozen");
        assertThat(List.of(views.viewOf(7), views.viewOf(8), views.viewOf(9))).containsOnly(ViewEntry.BASE);
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);
    }

    @Test
    void whenTheGateMayBeOpenNoThreadGoesBackFromTheNewCode() throws IOException {
        views.run();
        views.interference = tid -> {
            if (tid == 9) {
                FakeViews.pause(Duration.ofMillis(800));
                views.at(7, newBody());
            }
        };

        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);

        assertThat(views.log).contains("ask 7 outside 2", "ask 8 outside 2");
        assertThat(List.of(views.viewOf(7), views.viewOf(8))).containsExactly(1, ViewEntry.BASE);
    }

    @Test
    void aThreadThatRunsMovesAlsoWhereMoreIsReplacedThanTheModuleTakesAsPlaces() throws IOException {
        final int many = 2100;
        final Layer layer = Layer.of(FakeProcess.patch(
                "many",
                List.of(),
                IntStream.range(0, many)
                        .mapToObj(number -> new PatchFunction(
                                "function" + number,
                                "many.o",
                                new PatchFunction.OldBody(
                                        FakeProcess.FUNCTIONS + 0x1000 + number * 16L,
                                        8,
                                        Sha256.hex(new byte[8]),
                                        0,
                                        null),
                                new PatchFunction.NewBody(number * 16L, 8, null)))
                        .toList(),
                new PatchArea(new byte[16], many * 16, List.of())));
        views.run();

        assertThat(reconcile(Scope.THREAD, SHORT, layer).inPlace()).isEqualTo(3);
        assertThat(views.log).contains("ask 7 outside 4096");
    }

    @Test
    void aThreadThatRunsNowAndThenIsMovedWhereItSleepsAndOneThatRunsAlwaysIsAsked() throws IOException {
        final AtomicLong places = new AtomicLong();
        final AtomicInteger runs = new AtomicInteger();
        views.judged = tid -> {
            if (tid == 8 || (tid == 7 && runs.incrementAndGet() <= 2)) {
                views.at(tid, places.incrementAndGet());
            }
        };

        assertThat(reconcile(Scope.THREAD, SHORT, A).inPlace()).isEqualTo(3);
        assertThat(views.count("ask 7")).isZero();
        assertThat(views.count("ask 8")).isEqualTo(1);
    }

    @Test
    void aLookThatToldNothingDoesNotHideWhatHoldsAThread() throws IOException {
        views.run();
        views.unseen.add(8);
        views.at(8, IN_FUNCTION_1);
        assertThat(reconcile(Scope.THREAD, SHORT, A).held())
                .extracting(ThreadReport::heldBy)
                .containsExactly("a stack that can not be checked while it runs: too deep, or being mapped");

        views.unseen.clear();
        assertThat(reconcile(Scope.THREAD, SHORT, A).held())
                .extracting(ThreadReport::heldBy)
                .containsExactly("function1");

        views.unseen.add(8);
        assertThat(reconcile(Scope.THREAD, SHORT, A).held())
                .extracting(ThreadReport::heldBy)
                .containsExactly("function1");
    }

    @Test
    void whatKeepsOneThreadFromGoingBackKeepsNoOther() {
        views.run();
        views.unaskable.add(7);
        views.interference = tid -> {
            if (tid == 9) {
                FakeViews.pause(Duration.ofMillis(800));
            }
        };

        assertThatThrownBy(() -> reconcile(Scope.PROCESS, Duration.ZERO, A))
                .isInstanceOf(ViewException.class)
                .hasMessage("no memory");

        assertThat(viewsOf(7, 8, 9)).containsExactly(1, ViewEntry.BASE, ViewEntry.BASE);
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);
    }

    @Test
    void aSleeperThatWasToGoBackStaysOnceAllHaveMoved() throws IOException {
        sleeperThatIsToGoBack();
        views.at(9, 0);
        views.interference = tid -> {};

        assertThat(reconcile(Scope.PROCESS, Duration.ofSeconds(5), A).inPlace()).isEqualTo(3);

        views.wake(7);
        assertThat(viewsOf(7, 8, 9)).containsOnly(1);
    }

    @Test
    void aSleeperThatWentBackSinceItWasListedIsHeldByTheCodeOfTheViewThatItIsIn() throws IOException {
        sleeperThatIsToGoBack();
        views.at(9, 0);
        views.interference = tid -> {
            if (tid == 7) {
                views.wake(7);
                views.at(7, IN_FUNCTION_1);
            }
        };
        FakeViews.pause(Duration.ofMillis(100));

        final ProcessReport report = reconcile(Scope.PROCESS, Duration.ZERO, A);

        assertThat(report.message()).contains("thread 7 main is in function1");
        assertThat(viewsOf(7, 8, 9)).containsOnly(ViewEntry.BASE);
    }

    @Test
    void aThreadThatDoesNotRestIsNotWaitedForUntilTheGateOpens() throws IOException {
        views.run();
        views.restless.add(7);
        final AtomicInteger looks = new AtomicInteger();
        views.interference = tid -> {
            if (tid == 7) {
                looks.incrementAndGet();
                FakeViews.pause(Duration.ofMillis(200));
            }
        };

        final ProcessReport report = reconcile(Scope.PROCESS, Duration.ZERO, A);

        assertThat(report.message()).contains("a place that it does not rest in");
        assertThat(views.count("freeze")).isOne();
        assertThat(looks).hasValueLessThan(4);
    }

    @Test
    void aSleeperThatWasToGoBackStillIsWhenTheNextAttemptIsInVain() throws IOException {
        sleeperThatIsToGoBack();
        FakeViews.pause(Duration.ofMillis(100));
        views.log.clear();

        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);

        assertThat(views.log).contains("freeze 1000", "move 7 to 1 frozen");
        views.wake(7);
        assertThat(viewsOf(7, 8, 9)).containsOnly(ViewEntry.BASE);
    }

    @Test
    void aSleeperThatWasToGoBackFromTheNewCodeIsOnlyAskedForThatWhileTheGateIsClosed() throws IOException {
        sleeperThatIsToGoBack();
        views.at(7, newBody());
        views.interference = tid -> {};
        FakeViews.pause(Duration.ofMillis(100));
        views.log.clear();

        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);

        assertThat(views.log).contains("freeze 1000", "move 7 to 1 frozen", "ask 7 outside 2");
        assertThat(viewsOf(7, 8, 9)).containsExactly(1, ViewEntry.BASE, ViewEntry.BASE);
        assertThat(views.count("move 8 to 0 frozen")).as("it was there").isOne();
    }

    /** It was moved when another thread was found in the way, after so long that the gate may have been open. */
    private void sleeperThatIsToGoBack() throws IOException {
        views.at(9, IN_FUNCTION_1).run();
        views.sleep(7);
        views.interference = tid -> {
            if (tid == 9) {
                FakeViews.pause(Duration.ofMillis(800));
            }
        };
        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);
        assertThat(views.log).contains("ask 7 outside 2");
        assertThat(viewsOf(7, 8, 9)).containsExactly(1, ViewEntry.BASE, ViewEntry.BASE);
    }

    @Test
    void noThreadGoesBackOnTheWordOfAClockThatWasReadBeforeItWasLookedAt() throws IOException {
        views.at(9, IN_FUNCTION_1).run();
        final int[] looks = {0};
        views.interference = tid -> {
            // The second look at it is that of the way back.
            if (tid == 7 && ++looks[0] == 2) {
                FakeViews.pause(Duration.ofMillis(800));
                views.at(7, newBody());
            }
        };

        assertThat(reconcile(Scope.PROCESS, Duration.ZERO, A).state()).isEqualTo(State.MIXED);

        assertThat(views.log).contains("ask 7 outside 2");
        assertThat(views.viewOf(7)).isEqualTo(1);
    }

    @Test
    void attemptsInVainBecomeRare() throws IOException {
        views.at(9, IN_FUNCTION_1).run();

        for (int pass = 0; pass < 7; pass++) {
            final ProcessReport report = reconcile(Scope.PROCESS, Duration.ofMillis(100), A);
            assertThat(report.message()).as("also where none was made").contains("function1");
        }

        assertThat(views.count("freeze")).isBetween(2L, 6L);
    }

    @Test
    void whereAllMoveTogetherTheDeadlineTakesNothingBack() throws IOException {
        views.at(8, IN_FUNCTION_1);

        final ProcessReport report = run(new Desired(List.of(A), List.of(), Scope.PROCESS, SHORT, OnDeadline.REVERT));

        assertThat(report.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(views.count("move")).isZero();
        assertThat(views.views()).isEmpty();
    }

    @Test
    void whereEachMovesAloneTheDeadlineTakesBackWhatHasMoved() throws IOException {
        views.at(8, IN_FUNCTION_1);

        final ProcessReport report = run(new Desired(List.of(A), List.of(), Scope.THREAD, SHORT, OnDeadline.REVERT));

        assertThat(report.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(report.reason()).isEqualTo("DeadlineExceeded");
        assertThat(report.message()).contains("thread 8 io is in function1");
        assertThat(views.count("move 7 to 1")).as("had moved").isOne();
        assertThat(viewsOf(7, 8, 9)).containsOnly(ViewEntry.BASE);
        assertThat(views.views()).isEmpty();
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);
    }

    @Test
    void onTheWayBackAThreadIsHeldByTheNewCodeAndTheYoungGoBackToo() throws IOException {
        views.at(8, IN_FUNCTION_1);
        final AtomicInteger looks = new AtomicInteger();
        views.interference = tid -> {
            if (tid == 8 && looks.get() == 0 && views.viewOf(7) == 1) {
                looks.set(1);
                views.at(7, newBody()).child(10, "late", 7);
            } else if (tid == 7 && looks.get() > 0 && looks.getAndIncrement() == 3) {
                views.at(7, 0);
            }
        };

        final ProcessReport report = run(new Desired(List.of(A), List.of(), Scope.THREAD, SHORT, OnDeadline.REVERT));

        assertThat(report.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(looks).as("was looked at again").hasValueGreaterThan(3);
        assertThat(viewsOf(7, 8, 9, 10)).containsOnly(ViewEntry.BASE);
        assertThat(views.views()).isEmpty();
    }

    @Test
    void codeThatExceptionsMayMeetIsRefusedWithoutAnUnwinderThatCanLearnOfIt() throws IOException {
        final ProcessReport refused = reconcile(Scope.THREAD, SHORT, THROWING);

        assertThat(refused.state()).isEqualTo(State.REFUSED);
        assertThat(refused.reason()).isEqualTo("UnsupportedTarget");
        assertThat(refused.message()).contains("libgcc_s is not loaded");
        assertThat(views.views()).isEmpty();
    }

    @Test
    void anUnwinderThatIsLoadedLaterIsDivertedInAViewOfItsOwnToWhichThreadsMove() throws IOException {
        process.load(0x1_0000_0000L, LIBGCC);
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING).inPlace()).isEqualTo(3);
        assertThat(views.log).as("the unwinder's jump").containsOnlyOnce("write 1");
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING).inPlace()).isEqualTo(3);
        assertThat(views.views()).containsExactly(1);

        process.load(0x2_0000_0000L, LIBGCC);
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING).inPlace()).isEqualTo(3);
        assertThat(views.count("write 2")).as("both unwinders' jumps").isEqualTo(2);
        assertThat(viewsOf(7, 8, 9)).containsOnly(2);
        assertThat(views.views()).containsExactly(2);
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING).inPlace()).isEqualTo(3);
        assertThat(views.views()).containsExactly(2);

        assertThat(reconcile(Scope.THREAD, SHORT).inPlace()).isEqualTo(3);
        assertThat(views.views()).isEmpty();
    }

    @Test
    void codeThatWasChangedMeanwhileIsInNoViewThatIsBuiltForALaterUnwinder() throws IOException {
        final Layer throwing = Layer.of(FakeProcess.patch(
                "changing",
                List.of(),
                List.of(new PatchFunction(
                        "function1",
                        "changing.o",
                        A.patch().targets().getFirst().functions().getFirst().oldBody(),
                        new PatchFunction.NewBody(0, 16, 0L))),
                null));
        process.load(0x1_0000_0000L, LIBGCC);
        assertThat(reconcile(Scope.THREAD, SHORT, throwing).inPlace()).isEqualTo(3);

        process.store(FakeProcess.FUNCTIONS + 0x100, new byte[] {(byte) 0xcc});
        process.load(0x2_0000_0000L, LIBGCC);
        final ProcessReport refused = reconcile(Scope.THREAD, SHORT, throwing);

        assertThat(refused.reason()).isEqualTo("TextModified");
        assertThat(views.count("write 2")).isZero();
        assertThat(viewsOf(7, 8, 9)).containsOnly(1);
    }

    @Test
    void codeThatIsChangedWhileThreadsMoveIsInNoViewThatIsBuiltThen() throws IOException {
        views.interference = tid -> {
            if (tid == 9) {
                views.child(10, "late", 7);
                store(FakeProcess.FUNCTIONS + 0x200, new byte[] {(byte) 0xcc});
            }
        };

        final ProcessReport refused =
                reconcile(Scope.THREAD, SHORT, A, new Layer(B.patch(), new ThreadFilter("late"), List.of()));

        assertThat(refused.reason()).isEqualTo("TextModified");
        assertThat(views.count("write 2")).isZero();
    }

    @Test
    void codeThatIsChangedWhileAViewIsBuiltIsInNoViewThatThreadsEnter() throws IOException {
        views.written = () -> store(FakeProcess.FUNCTIONS + 0x100, new byte[] {(byte) 0xcc});

        final ProcessReport refused = reconcile(Scope.THREAD, SHORT, A);

        assertThat(refused.reason()).isEqualTo("TextModified");
        assertThat(views.count("write 1")).isPositive();
        assertThat(views.views()).isEmpty();
        assertThat(viewsOf(7, 8, 9)).containsOnly(ViewEntry.BASE);
    }

    @Test
    void aProcessThatMakesViewsItselfKeepsThemAndIsNotPatched() throws IOException {
        final int own = views.ownView(9);

        assertThat(reconcile(Scope.THREAD, SHORT).state()).isEqualTo(State.IN_PLACE);
        assertThat(reconcile(Scope.THREAD, SHORT, elsewhere()).inPlace()).isEqualTo(3);
        final ProcessReport refused = reconcile(Scope.THREAD, SHORT, A);

        assertThat(refused.reason()).isEqualTo("UnsupportedTarget");
        assertThat(refused.message()).contains("makes views of itself");
        assertThat(views.views()).containsExactly(own);
        assertThat(viewsOf(7, 8, 9)).containsExactly(ViewEntry.BASE, ViewEntry.BASE, own);
    }

    @Test
    void viewsThatAPatchedProcessMadeItselfStayWhenThePatchIsTakenBack() throws IOException {
        assertThat(reconcile(Scope.THREAD, SHORT, A).inPlace()).isEqualTo(3);
        final int own = views.ownView(9);
        reconcile(Scope.THREAD, SHORT, A);
        assertThat(viewsOf(7, 8, 9)).containsExactly(1, 1, own);

        assertThat(reconcile(Scope.THREAD, SHORT).state()).isEqualTo(State.IN_PLACE);
        assertThat(views.views()).containsExactly(own);
        assertThat(viewsOf(7, 8, 9)).containsExactly(ViewEntry.BASE, ViewEntry.BASE, own);
    }

    @Test
    void aWayBackThatNeedsARoutineIsNotBarredByHowMuchAProcessHas() throws IOException {
        process.load(0x1_0000_0000L, LIBGCC);
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING, B).inPlace()).isEqualTo(3);
        process.claim(0x3_0000_0000L, 256L << 20, "text:many");

        assertThat(reconcile(Scope.THREAD, SHORT, THROWING, B, A).reason()).isEqualTo("TooManyPatches");
        assertThat(reconcile(Scope.THREAD, SHORT, THROWING).inPlace()).isEqualTo(3);
        assertThat(viewsOf(7, 8, 9)).containsOnly(2);
    }

    @ParameterizedTest
    @EnumSource(Scope.class)
    void aStackThatIsRefusedWhileThreadsMoveIsTakenBack(final Scope scope) throws IOException {
        // No thread has this name before the first has moved, and for its layers there can be no view.
        final Layer late = new Layer(THROWING.patch(), new ThreadFilter("late"), List.of());
        views.interference = tid -> {
            if (tid == 9) {
                views.child(10, "late", 7);
            }
        };

        final ProcessReport refused = reconcile(scope, SHORT, A, late);

        assertThat(refused.state()).isEqualTo(State.REFUSED);
        assertThat(refused.reason()).isEqualTo("UnsupportedTarget");
        assertThat(refused.message()).contains("libgcc_s is not loaded");
        assertThat(refused.refused()).containsExactly(late.digest(), A.digest());
        assertThat(views.count("move 7 to 1")).as("had moved").isOne();
        assertThat(viewsOf(7, 8, 9, 10)).containsOnly(ViewEntry.BASE);
        assertThat(views.views()).isEmpty();
        assertThat(views.births()).isEqualTo(ViewEntry.CREATOR);
    }

    @Test
    void codeThatIsChangedBeforeIsRefusedAndAfterwardsDoesNotMatter() throws IOException {
        process.store(FakeProcess.FUNCTIONS + 0x200, new byte[] {(byte) 0xcc});
        final ProcessReport refused = reconcile(Scope.THREAD, SHORT, A, B, elsewhere());
        assertThat(refused.state()).isEqualTo(State.REFUSED);
        assertThat(refused.reason()).isEqualTo("TextModified");
        assertThat(refused.refused()).containsExactly(B.digest());
        assertThat(refused.unconcerned()).containsExactly(elsewhere().digest());

        assertThat(reconcile(Scope.THREAD, SHORT, A).state()).isEqualTo(State.IN_PLACE);
        process.store(FakeProcess.FUNCTIONS + 0x100, new byte[] {(byte) 0xcc});
        assertThat(reconcile(Scope.THREAD, SHORT, A).state()).isEqualTo(State.IN_PLACE);
    }

    @Test
    void whatIsRefusedLeavesNothingInTheProcess() throws IOException {
        final Layer excluding = new Layer(A.patch(), ThreadFilter.ALL, List.of("no such function"));
        assertThat(reconcile(Scope.THREAD, SHORT, excluding).reason()).isEqualTo("UnknownFunction");
        assertThat(retained()).isZero();

        process.loadLibrary(0x1_0000_0000L);
        final PatchTarget program = withoutItsSymbol("both").targets().getFirst();
        final Layer both = Layer.of(new Patch(
                FakeProcess.digest("both"),
                List.of(),
                List.of(FakeProcess.libraryPatch("both", 1).targets().getFirst(), program)));
        assertThat(reconcile(Scope.THREAD, SHORT, both).reason()).isEqualTo("SymbolNotFound");
        assertThat(retained()).isZero();

        process.store(FakeProcess.FUNCTIONS + 0x100, new byte[] {(byte) 0xcc});
        assertThat(reconcile(Scope.THREAD, SHORT, A).reason()).isEqualTo("TextModified");
        assertThat(retained()).isZero();
    }

    private static Patch withoutItsSymbol(final String name) {
        return FakeProcess.patch(
                name,
                List.of(),
                List.of(),
                new PatchArea(
                        new byte[16],
                        16,
                        List.of(new PatchRelocation(
                                0, PatchRelocation.Kind.ABS64, new RelocationTarget.Dynamic("gone"), 0))));
    }

    private long retained() throws IOException {
        return Areas.retained(process.process().mappings());
    }

    @Test
    void aLayerThatCanNoLongerBeLinkedIsNotKnownAndNotRefused() throws IOException {
        final Patch patch = withoutItsSymbol("c");
        process.map(
                0x20_0000,
                4096,
                new byte[16],
                Areas.name(dev.atlasviews.agent.patch.AreaKind.TEXT, patch.digest(), FakeProcess.BUILD_ID));

        assertThat(new LayerLinker(process.process(), views).relink(Layer.of(patch)))
                .isEmpty();
    }

    private static Layer elsewhere() {
        return Layer.of(new Patch(
                FakeProcess.digest("elsewhere"),
                List.of(),
                List.of(FakeProcess.target("0badc0de00", "elsewhere.o", List.of(), null))));
    }

    private void store(final long address, final byte[] code) {
        try {
            process.store(address, code);
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private long newBody() {
        try {
            return Areas.text(process.process().mappings()).getFirst().start() + 32 + 4;
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private ProcessReport reconcile(final Scope scope, final Duration deadline, final Layer... layers)
            throws IOException {
        return engine.reconcile(scope, deadline, layers);
    }

    private ProcessReport run(final Desired desired) throws IOException {
        return engine.run(desired);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchRelocation.Kind;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A patch in place is known by the process' memory, whatever has become of the symbols that it was linked with. */
final class RecognitionTest extends EngineTest {
    private static final long ONE = 0x1000_0000L;
    private static final long TWO = 0x2000_0000L;
    private static final Layer A = layer();
    private static final Layer OTHER = Layer.of(FakeProcess.patch("other", List.of(), 2));

    /** What becomes of the symbol. */
    enum Change {
        OTHERWISE,
        AMBIGUOUS,
        UNKNOWN
    }

    @BeforeEach
    void startProcess() throws Exception {
        start(A, OTHER);
        process.load(ONE, library());
    }

    private Path library() throws Exception {
        return CProgram.compile(directory, "libhelper.so", "int helper(void) { return 1; }", "-shared", "-fPIC");
    }

    private void change(final Change change) throws Exception {
        if (change != Change.UNKNOWN) {
            process.load(TWO, library());
        }
        if (change != Change.AMBIGUOUS) {
            process.store(ONE, new byte[64]);
        }
    }

    @ParameterizedTest
    @EnumSource(Change.class)
    void itStaysWhatItIsAndThreadsInItAreHeld(final Change change) throws Exception {
        assertThat(reconcile(A, OTHER)).returns(State.IN_PLACE, ProcessReport::state);
        final long retained = retained();
        final long body = views.jump(1, FakeProcess.FUNCTIONS + 0x100);

        change(change);

        assertThat(reconcile(A, OTHER))
                .returns("", ProcessReport::message)
                .returns(State.IN_PLACE, ProcessReport::state);
        assertThat(views.views()).as("no other view").containsExactly(1);
        assertThat(retained()).as("no other code").isEqualTo(retained);

        views.at(8, body + 4);
        final ProcessReport mixed = reconcile(OTHER);
        assertThat(mixed.state()).isEqualTo(State.MIXED);
        assertThat(mixed.held()).extracting(ThreadReport::heldBy).containsExactly("function1");
        assertThat(views.viewOf(8)).isOne();

        views.at(8, 0);
        assertThat(reconcile(OTHER).state()).isEqualTo(State.IN_PLACE);
        assertThat(reconcile().state()).isEqualTo(State.IN_PLACE);
        assertThat(views.views()).isEmpty();
    }

    @Test
    void whatIsNotRecognizedHoldsThreadsWhereverItIs() throws Exception {
        reconcile(A);
        final long body = views.jump(1, FakeProcess.FUNCTIONS + 0x100);
        process.store(body & -4096L, new byte[64]);
        views.at(8, body + 4);

        final ProcessReport mixed = reconcile(A);
        assertThat(mixed.held()).extracting(ThreadReport::heldBy).containsExactly("a function of a patch");
        assertThat(views.viewOf(7)).as("in a view that is known").isEqualTo(2);
        assertThat(views.viewOf(8)).isOne();
        assertThat(reconcile().held()).extracting(ThreadReport::tid).containsExactly(8);

        views.at(8, 0);
        assertThat(reconcile(A).state()).isEqualTo(State.IN_PLACE);
        final int view = views.viewOf(8);
        assertThat(reconcile(A).state()).isEqualTo(State.IN_PLACE);
        assertThat(views.views()).as("and there it is known").containsExactly(view);
    }

    @Test
    void noThreadGoesBackToWhatIsNotKnownFromTheCodeThatItReplaces() throws Exception {
        reconcile(A);
        unrecognizable();
        views.interference = tid -> {
            if (views.viewOf(7) == 2) {
                views.at(7, FakeProcess.FUNCTIONS + 0x100 + 4);
            }
        };

        final ProcessReport late =
                engine.run(new Desired(List.of(OTHER), List.of(A), Scope.THREAD, SHORT, Desired.OnDeadline.REVERT));

        assertThat(late.state()).isEqualTo(State.MIXED);
        assertThat(late.reason()).isEqualTo("DeadlineExceeded");
        assertThat(views.viewOf(7)).as("in the code that A replaces").isEqualTo(2);
        assertThat(views.viewOf(8)).isOne();
    }

    @Test
    void toAViewWhoseCodeIsNotKnownAThreadGoesBackOnceItIsOutOfWhatItsLayersReplace() throws Exception {
        assertThat(reconcile(A, OTHER).state()).isEqualTo(State.IN_PLACE);
        unrecognizable();
        final AtomicInteger looks = new AtomicInteger();
        views.interference = tid -> {
            if (tid == 7 && views.viewOf(7) == 2) {
                views.at(7, looks.getAndIncrement() < 3 ? FakeProcess.FUNCTIONS + 0x200 + 4 : 0);
            }
        };

        final ProcessReport late =
                engine.run(new Desired(List.of(A), List.of(OTHER), Scope.THREAD, SHORT, Desired.OnDeadline.REVERT));

        assertThat(late.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(looks).as("was looked at again").hasValueGreaterThan(3);
        assertThat(List.of(views.viewOf(7), views.viewOf(8))).containsOnly(1);
    }

    /** What thread 8 is in then is not what it was. */
    private void unrecognizable() throws IOException {
        final long body = views.jump(1, FakeProcess.FUNCTIONS + 0x100);
        process.store(body & -4096L, new byte[64]);
        views.at(8, body + 4);
    }

    @Test
    void aPatchThatComesAgainIsLinkedWithWhatItsSymbolsAreNow() throws Exception {
        reconcile(A);
        final long before = views.jump(1, FakeProcess.FUNCTIONS + 0x100);
        reconcile();

        change(Change.OTHERWISE);

        assertThat(reconcile(A).state()).isEqualTo(State.IN_PLACE);
        final long after = views.jump(views.viewOf(7), FakeProcess.FUNCTIONS + 0x100);
        assertThat(after).isNotEqualTo(before);

        views.at(8, before + 4);
        assertThat(reconcile().held())
                .as("of two copies either may be what a thread is in")
                .extracting(ThreadReport::tid)
                .containsExactly(8);
    }

    @Test
    void ofALibraryThatIsGoneNothingIsUsed() throws Exception {
        reconcile(A);
        reconcile();
        process.unloadLibrary(ONE);

        assertThat(reconcile(A).reason()).isEqualTo("SymbolNotFound");
    }

    private ProcessReport reconcile(final Layer... layers) throws IOException {
        return engine.reconcile(Scope.THREAD, SHORT, layers);
    }

    private long retained() throws IOException {
        return Areas.retained(process.process().mappings());
    }

    /** Replaces function 1, and refers to the symbol in every way that there is. */
    private static Layer layer() {
        final RelocationTarget helper = new RelocationTarget.Dynamic("helper");
        return Layer.of(new Patch(
                FakeProcess.digest("a"),
                List.of(),
                List.of(new PatchTarget(
                        FakeProcess.BUILD_ID,
                        "program",
                        false,
                        List.of("a.o"),
                        FakeProcess.patch("a", List.of(), 1)
                                .targets()
                                .getFirst()
                                .functions(),
                        List.of(),
                        new PatchArea(
                                new byte[64],
                                64,
                                List.of(
                                        new PatchRelocation(0, Kind.PC32, helper, -4),
                                        new PatchRelocation(8, Kind.ABS32, helper, 8),
                                        new PatchRelocation(16, Kind.ABS32S, helper, 0))),
                        new PatchArea(new byte[64], 64, List.of(new PatchRelocation(8, Kind.ABS64, helper, 16))),
                        new PatchArea(new byte[16], 16, List.of(new PatchRelocation(0, Kind.ABS64, helper, 0)))))));
    }
}

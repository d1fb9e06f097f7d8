// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired.OnDeadline;
import dev.atlasviews.agent.engine.Desired.Scope;
import dev.atlasviews.agent.engine.ProcessReport.State;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A patched library that is unloaded and loaded again, or comes later. */
final class LoadedAgainTest extends EngineTest {
    private static final long HERE = 0x1_0000_0000L;
    private static final long NEAR = 0x1_4000_0000L;
    private static final long FAR = 0x5_0000_0000L;
    private static final long FUNCTION = 0x1100;
    private static final int MOST_PATCHES = 64;
    private static final Layer PROGRAM = Layer.of(FakeProcess.patch("program", List.of(), 3));
    private static final Layer LIBRARY = Layer.of(FakeProcess.libraryPatch("l", 1));
    private static final Layer BOTH = Layer.of(FakeProcess.libraryPatch(
            "both", 1, FakeProcess.patch("both", List.of(), 2).targets().getFirst()));

    @BeforeEach
    void startProcess() throws IOException {
        start(LIBRARY, BOTH);
    }

    @Test
    void aLibraryThatIsLoadedAgainElsewhereIsPatchedThere() throws IOException {
        process.loadLibrary(HERE);
        assertThat(reconcile(LIBRARY).inPlace()).isEqualTo(2);

        for (final long address : List.of(NEAR, FAR)) {
            final int before = views.viewOf(7);
            views.unloadLibrary(address == NEAR ? HERE : NEAR);
            process.loadLibrary(address);

            assertThat(reconcile(LIBRARY)).returns(2, ProcessReport::inPlace).returns("", ProcessReport::reason);
            assertThat(viewsOfThreads()).containsOnly(before + 1);
            assertThat(views.jump(before + 1, address + FUNCTION)).isNotZero();
            assertThat(views.views()).as("nobody needs the other any more").containsExactly(before + 1);
        }
    }

    @Test
    void aLibraryThatIsLoadedAgainAtTheSameAddressIsPatchedAgain() throws IOException {
        process.loadLibrary(HERE);
        assertThat(reconcile(LIBRARY).inPlace()).isEqualTo(2);
        final long retained = retained();

        views.unloadLibrary(HERE);
        process.loadLibrary(HERE);

        assertThat(reconcile(LIBRARY).inPlace()).isEqualTo(2);
        assertThat(viewsOfThreads()).containsOnly(2);
        assertThat(views.jump(2, HERE + FUNCTION)).isNotZero();
        assertThat(retained()).as("by code that is there already").isEqualTo(retained);
    }

    @Test
    void aPatchIsOneOfThoseThatAProcessMayHaveInHoweverManyPlaces() throws IOException {
        process.loadLibrary(HERE);
        for (int i = 1; i < MOST_PATCHES; i++) {
            process.claim(0x6_0000_0000L + i * 0x10_0000L, 4096, "text:%016x:feedface".formatted(i));
        }
        assertThat(reconcile(BOTH).inPlace()).as("two programs").isEqualTo(2);

        views.unloadLibrary(HERE);
        process.loadLibrary(FAR);
        assertThat(reconcile(BOTH)).returns(2, ProcessReport::inPlace).returns("", ProcessReport::reason);
        assertThat(reconcile(BOTH, PROGRAM).reason()).isEqualTo("TooManyPatches");
    }

    @Test
    void aLibraryThatComesLaterIsPatchedAsWell() throws IOException {
        assertThat(reconcile(BOTH).inPlace()).isEqualTo(2);

        process.loadLibrary(HERE);

        assertThat(reconcile(BOTH).inPlace()).isEqualTo(2);
        assertThat(viewsOfThreads()).containsOnly(2);
        assertThat(List.of(views.jump(2, HERE + FUNCTION), views.jump(2, FakeProcess.FUNCTIONS + 0x200)))
                .doesNotContain(0L);
        assertThat(reconcile(BOTH).inPlace()).isEqualTo(2);
        assertThat(views.views()).as("a view that has all its jumps stays").containsExactly(2);
    }

    @Test
    void aLibraryThatGoesNeedsNoOtherView() throws IOException {
        process.loadLibrary(HERE);
        assertThat(reconcile(BOTH).inPlace()).isEqualTo(2);

        views.unloadLibrary(HERE);

        assertThat(reconcile(BOTH).inPlace()).isEqualTo(2);
        assertThat(views.views()).containsExactly(1);
    }

    @Test
    void aThreadInTheLibraryIsHeldAsBeforeThePatch() throws IOException {
        process.loadLibrary(HERE);
        assertThat(reconcile(LIBRARY).inPlace()).isEqualTo(2);
        views.unloadLibrary(HERE);
        process.loadLibrary(NEAR);
        views.at(8, NEAR + FUNCTION + 8);

        final ProcessReport mixed = reconcile(LIBRARY);
        assertThat(mixed.state()).isEqualTo(State.MIXED);
        assertThat(mixed.inPlace()).isOne();
        assertThat(mixed.held()).extracting(ThreadReport::heldBy).containsExactly("function1");
        assertThat(viewsOfThreads()).containsExactly(2, 1);

        final ProcessReport back =
                engine.run(new Desired(List.of(LIBRARY), List.of(), Scope.THREAD, SHORT, OnDeadline.REVERT));
        assertThat(back.state()).isEqualTo(State.TAKEN_BACK);
        assertThat(viewsOfThreads()).containsExactly(2, 1);

        views.at(8, 0);
        assertThat(reconcile(LIBRARY).inPlace()).isEqualTo(2);
        assertThat(reconcile().inPlace()).isEqualTo(2);
        assertThat(views.views()).isEmpty();
    }

    @Test
    void aThreadThatIsHeldInAnOutdatedViewIsToldFromThoseThatHaveThePatch() throws IOException {
        process.loadLibrary(HERE);
        assertThat(outdated(reconcile(LIBRARY))).isEmpty();
        views.unloadLibrary(HERE);
        process.loadLibrary(NEAR);
        views.at(8, NEAR + FUNCTION + 8);

        assertThat(outdated(reconcile(LIBRARY))).containsExactly(8);
        assertThat(outdated(reconcile(LIBRARY))).as("by a look anew").containsExactly(8);

        views.at(8, 0);
        assertThat(outdated(reconcile(LIBRARY))).isEmpty();
    }

    @Test
    void aViewIsOutdatedAlsoWhereNoOtherHasItsLayers() throws IOException {
        process.loadLibrary(HERE);
        assertThat(outdated(reconcile(LIBRARY))).isEmpty();
        views.unloadLibrary(HERE);
        process.loadLibrary(HERE);
        views.at(8, HERE + FUNCTION + 8);

        assertThat(outdated(reconcile(LIBRARY, PROGRAM))).containsExactly(8);
    }

    @Test
    void aSecondCopyOfTheLibraryMakesThePatchNoOther() throws IOException {
        final Layer layer = Layer.of(FakeProcess.patchOfOwnLibrary("own"));
        startEngine(layer);
        process.loadLibrary(NEAR);
        assertThat(reconcile(layer).inPlace()).isEqualTo(2);
        final long retained = retained();

        process.loadLibrary(HERE);

        assertThat(reconcile(layer).inPlace()).isEqualTo(2);
        assertThat(views.views()).containsExactly(1);
        assertThat(retained()).isEqualTo(retained);
    }

    private ProcessReport reconcile(final Layer... layers) throws IOException {
        return engine.reconcile(Scope.THREAD, SHORT, layers);
    }

    private static List<Integer> outdated(final ProcessReport report) {
        return report.threads().stream()
                .filter(ThreadReport::outdated)
                .map(ThreadReport::tid)
                .toList();
    }

    private List<Integer> viewsOfThreads() {
        return Stream.of(7, 8).map(views::viewOf).toList();
    }

    private long retained() throws IOException {
        return Areas.retained(process.process().mappings());
    }
}

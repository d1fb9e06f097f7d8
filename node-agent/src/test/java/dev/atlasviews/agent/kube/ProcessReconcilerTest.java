// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.absent;
import static dev.atlasviews.agent.kube.Fixtures.container;
import static dev.atlasviews.agent.kube.Fixtures.digest;
import static dev.atlasviews.agent.kube.Fixtures.last;
import static dev.atlasviews.agent.kube.Fixtures.layer;
import static dev.atlasviews.agent.kube.Fixtures.present;
import static dev.atlasviews.agent.kube.Fixtures.stack;
import static dev.atlasviews.agent.kube.Fixtures.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Engine;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.engine.ViewLayers;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With an engine that moves every thread at once. */
final class ProcessReconcilerTest {
    private static final Duration SLICE = Duration.ofMillis(123);

    @TempDir
    private Path proc;

    private final FakeEngine engine = new FakeEngine();
    private final Set<String> lost = new HashSet<>();
    private final Set<String> fetched = new HashSet<>();
    private final Set<String> unsigned = new HashSet<>();
    private final LayerPlan.Source patches = new FakePatches();
    private Map<String, List<String>> basedOn = Map.of();

    private static final class FakeEngine implements Engine {
        private final List<Desired> desired = new ArrayList<>();
        private final Set<String> refused = new HashSet<>();
        private final List<dev.atlasviews.agent.engine.Layer> had = new ArrayList<>();
        private final Set<String> forgotten = new HashSet<>();
        private Optional<LayerStack> stack = Optional.of(LayerStack.BASE);
        private boolean held;
        private boolean unsupported;

        void has(final Layer... layers) {
            Arrays.stream(layers).map(layer -> Fixtures.engineLayer(layer)).forEach(had::add);
            stack = Optional.of(new LayerStack(
                    had.stream().map(dev.atlasviews.agent.engine.Layer::digest).toList()));
        }

        @Override
        public ProcessReport reconcile(final TargetProcess process, final Desired wish, final Progress progress)
                throws IOException {
            desired.add(wish);
            if (unsupported) {
                return Fixtures.report(State.IN_PLACE);
            }
            for (final dev.atlasviews.agent.engine.Layer layer : wish.layers()) {
                for (final String patch : refused) {
                    if (layer.digest().equals(digest(patch).hex())) {
                        return Fixtures.refused(patch, List.of(thread()));
                    }
                }
            }
            if (!held) {
                stack = Optional.of(new LayerStack(wish.layers().stream()
                        .map(dev.atlasviews.agent.engine.Layer::digest)
                        .toList()));
            }
            return inspect(process);
        }

        @Override
        public ProcessReport inspect(final TargetProcess process) throws IOException {
            if (unsupported) {
                throw new ViewException("attach", Errno.EOPNOTSUPP);
            }
            return Fixtures.report(State.IN_PLACE, thread());
        }

        @Override
        public ViewLayers layers(final TargetProcess process) {
            return new ViewLayers(
                    had.stream()
                            .filter(layer -> !forgotten.contains(layer.digest()))
                            .toList(),
                    List.copyOf(forgotten));
        }

        private ThreadReport thread() {
            return Fixtures.thread(7, "main", stack.orElse(null));
        }
    }

    @Test
    void aRefusedLayerKeepsNoOtherFromComingOrGoing() throws IOException {
        basedOn = Map.of("c", List.of("b"));
        engine.has(absent("old", "old"));
        engine.refused.add("b");

        final ProcessStatus status = reconcile(
                last(), present("one", "a"), present("two", "b"), present("three", "c"), absent("old", "old"));

        assertThat(states(status))
                .containsExactly(LayerState.APPLIED, LayerState.REFUSED, LayerState.REFUSED, LayerState.REVERTED);
        assertThat(status.layers())
                .extracting(LayerStatus::reason)
                .containsSubsequence("SymbolNotFound", LayerReason.CONFLICT.value());
        assertThat(engine.desired.getLast().layers())
                .extracting(dev.atlasviews.agent.engine.Layer::digest)
                .containsExactly(digest("a").hex());
    }

    @Test
    void aRefusedLayerThatTheProcessHasIsNotTakenBack() throws IOException {
        engine.has(present("two", "b"));
        engine.refused.add("b");

        assertThat(states(reconcile(last(), present("one", "a"), present("two", "b"))))
                .containsExactly(LayerState.REFUSED, LayerState.REFUSED);
        assertThat(engine.desired).hasSize(1);
    }

    @Test
    void aLayerThatIsRefusedWhileThreadsAreOnTheirWayToItIsTakenBack() throws IOException {
        final Layer layer = present("one", "a");
        engine.has(layer);
        engine.refused.add("a");
        engine.held = true;

        final LayerStatus before = new LayerStatus(
                layer.name(),
                layer.digest(),
                LayerState.APPLYING,
                LayerReason.MOVING_THREADS.value(),
                "",
                Instant.now(),
                ThreadCounts.NONE);
        final ProcessStatus onTheWay = reconcile(last(before), layer);

        assertThat(engine.desired.getLast().layers()).isEmpty();
        assertThat(onTheWay.layers()).singleElement().satisfies(status -> {
            assertThat(status.state()).isEqualTo(LayerState.REVERTING);
            assertThat(status.reason()).isEqualTo("SymbolNotFound");
            assertThat(status.threads().moved()).as("who still has it").isOne();
        });

        engine.held = false;
        assertThat(states(reconcile(onTheWay, layer))).containsExactly(LayerState.REFUSED);
        assertThat(engine.desired)
                .extracting(wish -> wish.layers().size())
                .as("once more it is tried before it goes on back")
                .containsExactly(1, 0, 1, 0);
    }

    @Test
    void aLayerThatIsRefusedAfterAllThreadsCameToItStays() throws IOException {
        final Layer layer = present("one", "a");
        engine.has(layer);
        engine.refused.add("a");

        for (final LayerState state : List.of(LayerState.APPLIED, LayerState.REFUSED)) {
            reconcile(last(status(layer, state, LayerReason.ALL_THREADS_MOVED)), layer);
        }

        assertThat(engine.desired)
                .hasSize(2)
                .allSatisfy(wish -> assertThat(wish.layers()).hasSize(1));
    }

    @Test
    void whereAViewIsNotKnownNoLayerIsLeftOut() throws IOException {
        engine.stack = Optional.empty();
        engine.refused.add("b");

        reconcile(last(), present("one", "a"), present("two", "b"));

        assertThat(engine.desired).hasSize(1);
    }

    @Test
    void whatALayerIsBasedOnIsPutBelowIt() throws IOException {
        basedOn = Map.of("a", List.of("b"));

        reconcile(last(), present("one", "a"), present("two", "b"));

        assertThat(engine.desired.getLast().layers())
                .extracting(dev.atlasviews.agent.engine.Layer::digest)
                .containsExactly(digest("b").hex(), digest("a").hex());
    }

    @Test
    void theTimeThatAPatchTakesToComeIsNoneOfItsDeadline() throws IOException {
        final Layer layer = present("one", "a");
        final ProcessStatus before = last(Fixtures.status(layer, LayerState.APPLYING, LayerReason.FETCHING_PATCH));
        fetched.add("a");

        assertThat(reconcile(before, layer).layers()).singleElement().satisfies(status -> {
            assertThat(status.state()).isEqualTo(LayerState.APPLYING);
            assertThat(status.reason()).isEqualTo(LayerReason.FETCHING_PATCH.value());
            assertThat(status.since()).isEqualTo(Fixtures.BEFORE);
        });
        fetched.clear();
        assertThat(states(reconcile(before, layer))).containsExactly(LayerState.APPLIED);
    }

    @Test
    void aLayerThatCanNotBeFetchedIsNotTakenFromAProcessThatMayHaveIt() throws IOException {
        engine.has(present("one", "a"), present("two", "b"), present("old", "old"));
        engine.forgotten.add(digest("a").hex());
        lost.add("a");

        final ProcessStatus status = reconcile(
                last(status(present("two", "b"), LayerState.APPLIED, LayerReason.ALL_THREADS_MOVED)),
                present("one", "a"),
                present("two", "b"),
                absent("three", "a2"),
                absent("old", "old"),
                present("new", "c"));

        assertThat(engine.desired).isEmpty();
        assertThat(states(status))
                .containsExactly(
                        LayerState.REFUSED,
                        LayerState.APPLIED,
                        LayerState.REVERTED,
                        LayerState.REVERTING,
                        LayerState.REFUSED);
        assertThat(status.layers().getFirst().reason()).isEqualTo(LayerReason.ARTIFACT_NOT_FOUND.value());
        assertThat(status.layers().subList(3, 5))
                .allSatisfy(other ->
                        assertThat(other.message()).contains(digest("a").hex()));
    }

    @Test
    void aLayerThatCanNotBeFetchedKeepsNoOtherFromAProcessThatHasOthers() throws IOException {
        engine.has(present("one", "a"), absent("old", "old"));
        lost.add("b");

        final ProcessStatus status = reconcile(
                last(), present("one", "a"), present("two", "b"), present("three", "c"), absent("old", "old"));

        assertThat(states(status))
                .containsExactly(LayerState.APPLIED, LayerState.REFUSED, LayerState.APPLIED, LayerState.REVERTED);
        assertThat(status.layers().get(1).reason()).isEqualTo(LayerReason.ARTIFACT_NOT_FOUND.value());
        assertThat(engine.desired.getLast().layers())
                .extracting(dev.atlasviews.agent.engine.Layer::digest)
                .containsExactly(digest("a").hex(), digest("c").hex());
    }

    @Test
    void whereAViewIsNotKnownNothingGoesWhileALayerCanNotBeFetched() throws IOException {
        engine.stack = Optional.empty();
        lost.add("b");

        final ProcessStatus status =
                reconcile(touched(), last(), present("one", "a"), present("two", "b"), absent("old", "old"));

        assertThat(engine.desired).isEmpty();
        assertThat(states(status)).containsExactly(LayerState.REFUSED, LayerState.REFUSED, LayerState.REVERTING);
        assertThat(status.layers().getFirst().message()).contains("not known");
    }

    @Test
    void ofAProcessThatCanHaveNoViewItIsSaidWhatALayerLacks() throws IOException {
        engine.unsupported = true;
        lost.add("a");

        assertThat(reconcile(last(), present("one", "a")).layers())
                .extracting(LayerStatus::reason)
                .containsExactly(LayerReason.ARTIFACT_NOT_FOUND.value());
    }

    @Test
    void whatNobodyListsStaysThoughItsPatchIsLost() throws IOException {
        engine.has(present("byHand", "x"));
        engine.forgotten.add(digest("x").hex());

        assertThat(states(reconcile(last(), present("one", "a")))).containsExactly(LayerState.REFUSED);
        assertThat(engine.desired).isEmpty();
    }

    @Test
    void whatIsToGoGoesThoughItsPatchIsLost() throws IOException {
        engine.has(present("one", "a"));
        engine.forgotten.add(digest("a").hex());
        lost.add("a");

        assertThat(states(reconcile(last(), absent("one", "a")))).containsExactly(LayerState.REVERTED);
        assertThat(engine.desired.getLast().layers()).isEmpty();
    }

    @Test
    void whatALayerGivesWayToHasToBeThereFirst() throws IOException {
        engine.has(present("one", "a"), present("two", "c"));
        lost.add("b");

        assertThat(states(reconcile(last(), present("one", "b"), absent("one", "a"), present("two", "c"))))
                .containsExactly(LayerState.REFUSED, LayerState.REVERTING, LayerState.APPLIED);
        assertThat(engine.desired.getLast().layers())
                .extracting(dev.atlasviews.agent.engine.Layer::digest)
                .containsExactly(digest("a").hex(), digest("c").hex());

        lost.clear();
        assertThat(states(reconcile(last(), present("one", "b"), absent("one", "a"), present("two", "c"))))
                .containsExactly(LayerState.APPLIED, LayerState.REVERTED, LayerState.APPLIED);
    }

    @Test
    void aLayerThatCanNotBeFetchedKeepsNoOtherFromAProcessWithoutAny() throws IOException {
        lost.add("a");

        assertThat(states(reconcile(last(), present("one", "a"), present("two", "b"))))
                .containsExactly(LayerState.REFUSED, LayerState.APPLIED);
    }

    @Test
    void aLayerThatNobodyVouchesForIsRefusedAndKeepsNoOtherFromComingOrGoing() throws IOException {
        engine.has(present("old", "old"));
        unsigned.add("a");

        final ProcessStatus status = reconcile(last(), present("one", "a"), present("two", "b"), absent("old", "old"));

        assertThat(states(status)).containsExactly(LayerState.REFUSED, LayerState.APPLIED, LayerState.REVERTED);
        assertThat(status.layers().getFirst().reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH.value());
        assertThat(engine.desired.getLast().layers())
                .extracting(dev.atlasviews.agent.engine.Layer::digest)
                .containsExactly(digest("b").hex());
    }

    @Test
    void whatAProcessHasItKeepsThoughNobodyVouchesForItAnyMore() throws IOException {
        engine.has(present("one", "a"));
        unsigned.add("a");

        assertThat(states(reconcile(last(), present("one", "a")))).containsExactly(LayerState.APPLIED);
        assertThat(engine.desired.getLast().layers()).hasSize(1);
    }

    @Test
    void whatNobodyVouchesForIsTakenBackAsAnythingElse() throws IOException {
        engine.has(present("one", "a"));
        unsigned.add("a");

        assertThat(states(reconcile(last(), absent("one", "a")))).containsExactly(LayerState.REVERTED);
        assertThat(engine.desired.getLast().leaving()).hasSize(1);
    }

    @Test
    void thatAPatchWouldBeRefusedForItsSignatureIsSaidWhereItIsOnlyObserved() throws IOException {
        unsigned.add("a");

        final ProcessStatus status = reconcile(last(), Fixtures.layer("one", "a", DesiredState.OBSERVED, "*"));

        assertThat(status.layers().getFirst().reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH.value());
        assertThat(engine.desired).isEmpty();
    }

    @Test
    void whatWasTakenBackByOrderIsAppliedWhenItIsOrderedAgain() throws IOException {
        final Layer layer = present("one", "a");

        assertThat(states(reconcile(last(status(layer, LayerState.REVERTING, LayerReason.MOVING_THREADS)), layer)))
                .containsExactly(LayerState.APPLIED);
        assertThat(states(reconcile(last(status(layer, LayerState.REVERTED, LayerReason.TAKEN_BACK)), layer)))
                .containsExactly(LayerState.APPLIED);
    }

    @Test
    void whatWasTakenBackForItsDeadlineIsNotTriedAgain() throws IOException {
        final Layer layer = present("one", "a");
        for (final LayerStatus before : List.of(
                status(layer, LayerState.REVERTING, LayerReason.DEADLINE_EXCEEDED),
                status(layer, LayerState.REVERTED, LayerReason.DEADLINE_EXCEEDED),
                status(layer, LayerState.APPLYING, LayerReason.WAITING_FOR_QUIESCENCE))) {
            final ProcessStatus after = reconcile(last(before), layer);

            assertThat(states(after)).containsExactly(LayerState.REVERTED);
            assertThat(after.layers().getFirst().reason()).isEqualTo(LayerReason.DEADLINE_EXCEEDED.value());
            assertThat(engine.desired.getLast().layers()).isEmpty();
        }
    }

    @Test
    void whatWasTakenBackForItsDeadlineIsTriedWhenItIsAskedForOtherwise() throws IOException {
        final Layer layer = present("one", "a");
        for (final LayerState state : List.of(LayerState.REVERTING, LayerState.REVERTED)) {
            final ProcessStatus last = last(new LayerStatus(
                    layer.name(),
                    layer.digest(),
                    state,
                    LayerReason.DEADLINE_EXCEEDED.value(),
                    "held",
                    Fixtures.BEFORE,
                    1L,
                    new ThreadCounts(1, 0, 0)));

            final ProcessStatus same = reconcile(last, Fixtures.by(layer, 1));
            assertThat(states(same)).containsExactly(LayerState.REVERTED);
            assertThat(same.layers().getFirst().generation()).isEqualTo(1);
            final ProcessStatus anew = reconcile(last, Fixtures.by(layer, 2));
            assertThat(states(anew)).containsExactly(LayerState.APPLIED);
            assertThat(anew.layers().getFirst().generation()).isEqualTo(2);
        }
    }

    @Test
    void aDeadlineThatPassesWhileTheLastThreadMovesIsKept() throws IOException {
        final Layer layer = present("one", "a");
        final Instant began = Instant.parse("2026-01-01T00:00:00Z");
        final AtomicLong hours = new AtomicLong();
        final Waits waits = new Waits(
                () -> began.plusSeconds(1),
                () -> Duration.ofHours(hours.incrementAndGet()).toNanos());
        final LayerStatus before = status(layer, LayerState.APPLYING, LayerReason.WAITING_FOR_QUIESCENCE);
        final ProcessStatus last = last(new LayerStatus(
                before.name(),
                before.digest(),
                before.state(),
                before.reason(),
                before.message(),
                began,
                before.threads()));

        assertThat(states(reconcile(waits, Fixtures.process(proc), last, layer)))
                .containsExactly(LayerState.APPLIED);
        assertThat(states(reconcile(waits, Fixtures.process(proc), last, layer)))
                .containsExactly(LayerState.REVERTED);
    }

    @Test
    void ofTwoLayersWithOnePatchThePresentOneWins() throws IOException {
        final ProcessStatus status = reconcile(last(), absent("one", "a"), present("two", "a"));

        assertThat(states(status)).containsExactly(LayerState.REVERTED, LayerState.APPLIED);
        assertThat(engine.desired.getLast().layers()).hasSize(1);
        assertThat(engine.desired.getLast().leaving()).isEmpty();
    }

    @Test
    void twoLayersWithOnePatchAreOneForTheThreadsOfBoth() throws IOException {
        final ProcessStatus status = reconcile(
                last(), layer("one", "a", DesiredState.PRESENT, "ma*"), layer("two", "a", DesiredState.PRESENT, "io*"));

        assertThat(engine.desired.getLast().layers())
                .singleElement()
                .satisfies(layer -> assertThat(layer.threads().choices())
                        .extracting(ThreadFilter.Choice::pattern)
                        .containsExactly("ma*", "io*"));
        assertThat(states(status)).containsExactly(LayerState.APPLIED, LayerState.NOTHING_TO_DO);
    }

    @Test
    void anOldDigestOfAViewPatchIsNotTakenForItsNewOne() throws IOException {
        engine.has(present("one", "a"));
        engine.stack = Optional.of(stack("a"));
        lost.add("b");

        assertThat(states(reconcile(last(), absent("one", "a"), present("one", "b"))))
                .containsExactly(LayerState.REVERTING, LayerState.REFUSED);
    }

    @Test
    void whatIsOnlyObservedTouchesNoProcess() throws IOException {
        final ProcessStatus status = reconcile(last(), Fixtures.layer("one", "a", DesiredState.OBSERVED, "*"));

        assertThat(status.layers().getFirst().reason()).isEqualTo(LayerReason.BUILD_ID_MISMATCH.value());
        assertThat(engine.desired).isEmpty();
    }

    @Test
    void whatWasAppliedAndIsOnlyObservedNowIsTakenBack() throws IOException {
        engine.has(present("one", "a"));
        final ProcessStatus status =
                reconcile(touched(), last(), Fixtures.layer("one", "a", DesiredState.OBSERVED, "*"));

        assertThat(engine.desired.getLast().layers()).isEmpty();
        assertThat(engine.desired.getLast().leaving()).hasSize(1);
        assertThat(states(status)).containsExactly(LayerState.NOTHING_TO_DO);
    }

    @Test
    void threadsThatAreHeldKeepAPassAsLongAsItSays() throws IOException {
        reconcile(last(), present("one", "a"));

        assertThat(engine.desired.getLast().deadline()).isEqualTo(SLICE);
    }

    @Test
    void whoMayHaveALayerIsToldByTheViewsOfItsThreads() throws IOException {
        engine.has(present("one", "a"));

        assertThat(mayHave(absent("one", "a"))).isTrue();
        assertThat(mayHave(absent("two", "b"))).as("in a view of another layer").isFalse();
        assertThat(mayHave(absent("two", "b"), absent("one", "a"))).isTrue();
        engine.stack = Optional.of(LayerStack.BASE);
        assertThat(mayHave(absent("one", "a"))).isFalse();
        engine.stack = Optional.empty();
        assertThat(mayHave(absent("one", "a")))
                .as("in a view that is not known")
                .isTrue();
    }

    private boolean mayHave(final Layer... layers) throws IOException {
        return new ProcessReconciler(engine, patches, Fixtures.BOOT, new Waits())
                .mayHave(Fixtures.process(proc), Arrays.asList(layers));
    }

    private ProcessStatus reconcile(final ProcessStatus last, final Layer... layers) throws IOException {
        return reconcile(Fixtures.process(proc), last, layers);
    }

    private ProcessStatus reconcile(final TargetProcess process, final ProcessStatus last, final Layer... layers)
            throws IOException {
        return reconcile(new Waits(), process, last, layers);
    }

    private ProcessStatus reconcile(
            final Waits waits, final TargetProcess process, final ProcessStatus last, final Layer... layers)
            throws IOException {
        return new ProcessReconciler(engine, patches, Fixtures.BOOT, waits)
                .reconcile(process, container(layers), Optional.of(last), SLICE)
                .orElseThrow();
    }

    /** A process that has an area of a patch. */
    private TargetProcess touched() throws IOException {
        final TargetProcess process = Fixtures.process(proc);
        Fixtures.touch(proc, Fixtures.PID);
        return process;
    }

    private final class FakePatches implements LayerPlan.Source {
        @Override
        public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) throws Artifacts.ArtifactException {
            final String patch = layer.artifact().name();
            if (lost.contains(patch)) {
                throw new Artifacts.ArtifactException(LayerReason.ARTIFACT_NOT_FOUND, "there is none");
            }
            if (fetched.contains(patch)) {
                throw new Artifacts.ArtifactException(LayerReason.FETCHING_PATCH, "it is on its way");
            }
            return Fixtures.engineLayer(
                    layer, basedOn.getOrDefault(patch, List.of()).toArray(String[]::new));
        }

        @Override
        public void verify(final Layer layer, final Patch patch) throws Artifacts.ArtifactException {
            if (unsigned.contains(layer.artifact().name())) {
                throw new Artifacts.ArtifactException(LayerReason.UNTRUSTED_PATCH, "it has no signature");
            }
        }
    }

    private static List<LayerState> states(final ProcessStatus status) {
        return status.layers().stream().map(LayerStatus::state).toList();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.layer;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.report;
import static dev.atlasviews.operator.Objects.reported;
import static dev.atlasviews.operator.Objects.spec;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.nodes.NodeState;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StatusFactoryTest {
    private static final Instant NOW = Instant.parse("2026-11-23T22:00:00.5Z");
    private static final Acceptance ACCEPTED = new Acceptance(true, "Accepted", "it is");

    private final ViewPatch patch = patch("fix", "2026-11-23T20:00:00Z");
    private RolloutStatus rollout = rollout(RolloutPhase.COMPLETE, null);
    private List<String> predecessors = List.of();

    private RolloutStatus rollout(final RolloutPhase phase, final @Nullable RolloutFailure failure) {
        return new RolloutStatus(patch.getSpec().change().patch().digest(), phase, 1, null, NOW, failure);
    }

    private PodOutcome outcome(final Pod pod, final @Nullable PodView view) {
        return PodOutcome.applying(patch, pod, view, true, NodeStates.ALL_READY);
    }

    @ParameterizedTest
    @CsvSource({
        //            Applied Progressing Degraded
        "NOTHING_TO_DO, False, False,      False",
        "APPLYING,      False, True,       False",
        "APPLIED,       True,  False,      False",
        "REFUSED,       False, False,      True",
        "REVERTING,     False, True,       False",
        "REVERTED,      False, False,      True",
    })
    void whatTheAgentReportsDecides(
            final LayerState state, final String applied, final String progressing, final String degraded) {
        final ViewPatchStatus status = status(state);
        assertThat(condition(status, ConditionType.ACCEPTED).getStatus()).isEqualTo("True");
        assertThat(condition(status, ConditionType.APPLIED).getStatus()).isEqualTo(applied);
        assertThat(condition(status, ConditionType.PROGRESSING).getStatus()).isEqualTo(progressing);
        assertThat(condition(status, ConditionType.DEGRADED).getStatus()).isEqualTo(degraded);
        assertThat(status.conditions()).allSatisfy(condition -> {
            assertThat(condition.getReason()).isNotEmpty();
            assertThat(condition.getMessage()).isNotEmpty();
            assertThat(condition.getObservedGeneration()).isEqualTo(1L);
        });
    }

    @Test
    void whatIsFalseOfOnePodIsFalseOfAllAndWhatIsUnknownIsUnknownOnlyWhereNothingIsFalse() {
        final PodOutcome applied = outcome(pod("redis-0"), viewOf(pod("redis-0"), LayerState.APPLIED));
        final PodOutcome refused = outcome(pod("redis-1"), viewOf(pod("redis-1"), LayerState.REFUSED));
        final PodOutcome unknown = PodOutcome.applying(
                patch, pod("redis-2"), null, true, node -> new NodeState(NodeState.Kind.AGENT_MISSING, "no agent"));

        final Condition some = condition(status(List.of(applied, unknown)), ConditionType.APPLIED);
        assertThat(some.getStatus()).isEqualTo("Unknown");
        assertThat(some.getReason()).isEqualTo("AgentMissing");
        assertThat(some.getMessage()).contains("redis-2", "node-1", "no agent");
        assertThat(condition(status(List.of(applied, unknown)), ConditionType.DEGRADED)
                        .getStatus())
                .isEqualTo("Unknown");

        final Condition all = condition(status(List.of(applied, unknown, refused)), ConditionType.APPLIED);
        assertThat(all.getStatus()).isEqualTo("False");
        assertThat(all.getReason()).isEqualTo("Because");
    }

    @Test
    void aNodeThatCanNotPatchIsNamedWithItsReason() {
        final ViewPatchStatus status = status(List.of(PodOutcome.applying(
                patch,
                pod("redis-0"),
                null,
                true,
                node -> new NodeState(NodeState.Kind.MODULE_UNAVAILABLE, "node node-1 can not patch: no module"))));
        assertThat(condition(status, ConditionType.DEGRADED).getReason()).isEqualTo("ModuleUnavailable");
        assertThat(condition(status, ConditionType.DEGRADED).getMessage()).contains("redis-0", "no module");
    }

    @Test
    void atMostFivePodsAreNamedAndTheOthersCounted() {
        final String message = condition(
                        status(IntStream.range(0, 8)
                                .mapToObj(i -> LayerState.REFUSED)
                                .toArray(LayerState[]::new)),
                        ConditionType.DEGRADED)
                .getMessage();
        assertThat(message)
                .contains("redis-0", "redis-4")
                .doesNotContain("redis-5")
                .endsWith("; and 3 more pods");
    }

    @Test
    void aBuildThatWasAppliedAndIsNoMoreIsSuperseded() {
        patch.setStatus(status(LayerState.APPLIED));
        patch.setStatus(status(LayerState.NOTHING_TO_DO));
        final ViewPatchStatus notForReal = status(LayerState.NOTHING_TO_DO);
        assertThat(condition(notForReal, ConditionType.APPLIED).getReason()).isEqualTo("Because");

        final PodView view = viewOf(pod("redis-0"), LayerState.APPLIED);
        view.setStatus(report(1));
        patch.setStatus(status(LayerState.APPLIED));
        patch.setStatus(status(List.of(outcome(pod("redis-0"), view))));
        assertThat(condition(patch.getStatus(), ConditionType.APPLIED).getReason())
                .isEqualTo("Superseded");
        assertThat(condition(status(List.of(outcome(pod("redis-0"), view))), ConditionType.APPLIED)
                        .getReason())
                .as("and stays so")
                .isEqualTo("Superseded");
    }

    @Test
    void whatAnotherViewPatchHasAppliedIsNamed() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.APPLIED);
        final Layer own = view.getSpec().containers().getFirst().layers().getFirst();
        final var other = new Layer(
                "shop/earlier",
                own.digest(),
                own.artifact(),
                own.createdAt().minusSeconds(60),
                own.origin(),
                null,
                null,
                DesiredState.PRESENT,
                own.threads(),
                own.quiescence());
        view.setSpec(
                new PodViewSpec("redis-0", "node-1", List.of(new ContainerLayers("redis", null, List.of(other, own)))));
        final Condition applied = condition(status(List.of(outcome(pod, view))), ConditionType.APPLIED);
        assertThat(applied.getStatus()).isEqualTo("True");
        assertThat(applied.getReason()).isEqualTo("AlreadyApplied");
        assertThat(applied.getMessage()).contains("shop/earlier");
    }

    @Test
    void aConflictNamesTheOtherViewPatch() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.REFUSED);
        final Layer own = view.getSpec().containers().getFirst().layers().getFirst();
        final Digest digest = digest("other");
        final var other = new Layer(
                "shop/other",
                digest,
                own.artifact(),
                own.createdAt(),
                own.origin(),
                null,
                null,
                DesiredState.PRESENT,
                own.threads(),
                own.quiescence());
        view.setSpec(
                new PodViewSpec("redis-0", "node-1", List.of(new ContainerLayers("redis", null, List.of(other, own)))));
        view.setStatus(report(
                1,
                new LayerStatus(
                        own.name(),
                        own.digest(),
                        LayerState.REFUSED,
                        "Conflict",
                        "patches %s and %s both change f"
                                .formatted(digest.hex(), own.digest().hex()),
                        NOW,
                        ThreadCounts.NONE)));
        assertThat(condition(status(List.of(outcome(pod, view))), ConditionType.DEGRADED)
                        .getMessage())
                .contains("(ViewPatch shop/other)");
    }

    @Test
    void aPodWaitsForItsWaveForAnotherViewPatchOrForWhoeverPausedIt() {
        final List<PodOutcome> waiting =
                List.of(PodOutcome.applying(patch, pod("redis-0"), null, false, NodeStates.ALL_READY));
        rollout = rollout(RolloutPhase.SOAKING, null);
        assertThat(condition(status(waiting), ConditionType.PROGRESSING).getReason())
                .isEqualTo("Soaking");
        assertThat(status(waiting).pods()).isEqualTo(new PodCounts(1, 0, 0, 0, 0, 0, 1, 0));
        rollout = rollout(RolloutPhase.WAITING, null);
        predecessors = List.of("first");
        final Condition progressing = condition(status(waiting), ConditionType.PROGRESSING);
        assertThat(progressing.getReason()).isEqualTo("WaitingForViewPatch");
        assertThat(progressing.getMessage()).contains("first");
    }

    @Test
    void aFailedRolloutNeedsAHumanWhateverThePodsSay() {
        rollout = rollout(RolloutPhase.REVERTED, new RolloutFailure(1L, "PodsFailed", "pod redis-0 ended"));
        final Condition degraded = condition(status(LayerState.APPLIED), ConditionType.DEGRADED);
        assertThat(degraded.getStatus()).isEqualTo("True");
        assertThat(degraded.getReason()).isEqualTo("PodsFailed");
        assertThat(degraded.getMessage()).startsWith("taken back: ").contains("redis-0");
    }

    @Test
    void whatIsBeingTakenBackIsNotTakenBack() {
        rollout = rollout(RolloutPhase.REVERTED, new RolloutFailure(1L, "PodsFailed", "pod redis-0 ended"));
        final ViewPatchStatus status = status(LayerState.REVERTING);
        assertThat(condition(status, ConditionType.DEGRADED).getMessage()).startsWith("being taken back from 1 pods: ");
        assertThat(condition(status, ConditionType.PROGRESSING).getStatus()).isEqualTo("True");
    }

    @Test
    void aPodWithoutTheNamedContainerIsNotWaitedFor() {
        final ViewPatchSpec spec = patch.getSpec();
        patch.setSpec(new ViewPatchSpec(
                spec.selector(), "absent", spec.change(), spec.threads(), spec.quiescence(), spec.newPods()));
        final Condition applied = condition(status(List.of(outcome(pod("redis-0"), null))), ConditionType.APPLIED);
        assertThat(applied.getStatus()).isEqualTo("False");
        assertThat(applied.getReason()).isEqualTo("NoContainer");
        assertThat(applied.getMessage()).contains("redis-0", "absent");
    }

    @Test
    void podsAndThreadsAreCounted() {
        final ViewPatchStatus status = status(
                LayerState.APPLIED,
                LayerState.APPLIED,
                LayerState.APPLYING,
                LayerState.REFUSED,
                LayerState.NOTHING_TO_DO);
        assertThat(status.pods()).isEqualTo(new PodCounts(5, 2, 1, 1, 1, 0, 0, 0));
        assertThat(status.threads()).isEqualTo(new ThreadCounts(25, 20, 0));
    }

    @Test
    void aPodWhoseNodeHasNotReportedIsProgressing() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.APPLIED);
        view.getMetadata().setGeneration(2L);
        for (final @Nullable PodView lacking : Arrays.asList(null, view)) {
            final ViewPatchStatus status = status(List.of(outcome(pod, lacking)));
            final Condition applied = condition(status, ConditionType.APPLIED);
            assertThat(applied.getReason()).isEqualTo("WaitingForNode");
            assertThat(applied.getMessage()).contains("redis-0").contains("node-1");
        }
    }

    @Test
    void aContainerWithoutProcessesIsNotDoneWith() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.APPLIED);
        view.setStatus(new PodViewStatus(1L, view.getStatus().summary(), List.of()));
        final PodOutcome between = outcome(pod, view);
        assertThat(between.outcome()).isEqualTo(Outcome.PROGRESSING);
        assertThat(between.reason()).isEqualTo("WaitingForProcess");
        assertThat(between.message()).contains("redis-0").contains("node-1");
    }

    @Test
    void aReportOnAnotherDigestDoesNotCount() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.APPLIED);
        patch.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(outcome(pod, view).outcome()).isEqualTo(Outcome.PROGRESSING);
    }

    @Test
    void noPodsIsNotApplied() {
        final Condition applied = condition(status(List.of()), ConditionType.APPLIED);
        assertThat(applied.getStatus()).isEqualTo("False");
        assertThat(applied.getReason()).isEqualTo("NoMatchingPods");
    }

    @Test
    void aRefusalNamesPodProcessAndCause() {
        final Condition degraded = condition(status(LayerState.REFUSED, LayerState.APPLYING), ConditionType.DEGRADED);
        assertThat(degraded.getReason()).isEqualTo("Because");
        assertThat(degraded.getMessage())
                .contains("redis-0")
                .contains("/usr/bin/redis-server (pid 42)")
                .contains("because it is so");
    }

    @Test
    void heldThreadsAreNamedWithWhatHoldsThem() {
        final Pod pod = pod("redis-0");
        final PodView view = viewOf(pod, LayerState.APPLYING);
        view.setStatus(withHeldThreads(view.getStatus(), 12));
        final String message = condition(status(List.of(outcome(pod, view))), ConditionType.PROGRESSING)
                .getMessage();
        assertThat(message)
                .startsWith("4 of 5 threads moved; ")
                .contains("io_thd_0 (100) in conn_loop since 2026-11-23T22:00:00.500Z, io_thd_1 (101) in conn_loop")
                .endsWith(" and 9 more");
    }

    @Test
    void whatIsRefusedBeforehandSaysWhy() {
        final var acceptance = new Acceptance(false, "ArtifactNotFound", "ViewPatchArtifact x does not exist");
        final ViewPatchStatus status = new StatusFactory(patch, NOW).unaccepted(acceptance, List.of());
        assertThat(condition(status, ConditionType.ACCEPTED).getStatus()).isEqualTo("False");
        assertThat(condition(status, ConditionType.APPLIED).getReason()).isEqualTo("ArtifactNotFound");
        assertThat(condition(status, ConditionType.DEGRADED).getStatus()).isEqualTo("True");
    }

    @Test
    void aConditionKeepsItsTimeWhileItsStatusStays() {
        patch.setStatus(status(LayerState.APPLYING));
        final ViewPatchStatus later = new StatusFactory(patch, NOW.plusSeconds(60))
                .applying(
                        ACCEPTED,
                        List.of(outcome(pod("redis-0"), viewOf(pod("redis-0"), LayerState.APPLIED))),
                        rollout,
                        List.of());
        assertThat(condition(later, ConditionType.ACCEPTED).getLastTransitionTime())
                .isEqualTo("2026-11-23T20:00:00Z");
        assertThat(condition(later, ConditionType.DEGRADED).getLastTransitionTime())
                .isEqualTo("2026-11-23T22:00:00Z");
        assertThat(condition(later, ConditionType.APPLIED).getLastTransitionTime())
                .isEqualTo("2026-11-23T22:01:00Z");
    }

    @Test
    void whileItIsTakenBackItProgresses() {
        final ViewPatchStatus status = new StatusFactory(patch, NOW)
                .reverting(
                        ACCEPTED,
                        List.of(PodOutcome.reverting(
                                patch, viewOf(pod("redis-0"), LayerState.REVERTING), NodeStates.ALL_READY)));
        assertThat(condition(status, ConditionType.APPLIED).getReason()).isEqualTo("Reverting");
        assertThat(condition(status, ConditionType.PROGRESSING).getMessage()).contains("redis-0");
    }

    private ViewPatchStatus status(final LayerState... states) {
        return status(IntStream.range(0, states.length)
                .mapToObj(i -> {
                    final Pod pod = pod("redis-" + i);
                    return outcome(pod, viewOf(pod, states[i]));
                })
                .toList());
    }

    private ViewPatchStatus status(final List<PodOutcome> outcomes) {
        return new StatusFactory(patch, NOW).applying(ACCEPTED, outcomes, rollout, predecessors);
    }

    private PodView viewOf(final Pod pod, final LayerState state) {
        return reported(pod, patch, state);
    }

    private PodViewStatus withHeldThreads(final PodViewStatus status, final int held) {
        final ProcessStatus process = status.processes().getFirst();
        final List<HeldThread> threads = IntStream.range(0, 10)
                .mapToObj(i -> new HeldThread(100 + i, "io_thd_" + i, "conn_loop", NOW))
                .toList();
        return new PodViewStatus(
                status.observedGeneration(),
                status.summary(),
                List.of(new ProcessStatus(
                        process.container(),
                        process.containerId(),
                        process.bootId(),
                        process.pid(),
                        process.startTime(),
                        process.program(),
                        process.view(),
                        new ThreadCounts(20, 8, held),
                        threads,
                        List.of(layer(patch, LayerState.APPLYING, held)))));
    }

    private static Condition condition(final ViewPatchStatus status, final ConditionType type) {
        return Conditions.find(status.conditions(), type).orElseThrow();
    }
}

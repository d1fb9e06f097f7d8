// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.outcomes;

import static dev.atlasviews.operator.Objects.BOOT;
import static dev.atlasviews.operator.Objects.layer;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.report;
import static dev.atlasviews.operator.Objects.reported;
import static dev.atlasviews.operator.Objects.uid;
import static dev.atlasviews.operator.Objects.unreadable;
import static dev.atlasviews.operator.Objects.view;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeState;
import dev.atlasviews.operator.nodes.NodeStates;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Nothing that a node reported counts for longer than what it tells of is there. */
final class PodOutcomeTest {
    private static final NodeState SILENT = new NodeState(NodeState.Kind.AGENT_MISSING, "the agent is not ready");

    private final ViewPatch fix = patch("fix", "2026-11-23T20:00:00Z");
    private final Pod pod = pod("redis-0");

    /** A node in some state that is in some boot. */
    private record Booted(NodeState state, String id) implements NodeStates {
        @Override
        public NodeState of(final String node) {
            return state;
        }

        @Override
        public Optional<String> boot(final String node) {
            return Optional.of(id);
        }
    }

    @Test
    void whatCanNotBeReadIsSaidSoAndHoldsAnEndUp() {
        final PodView view = reported(pod, fix, LayerState.APPLIED);
        assertThat(PodOutcome.reverting(fix, unreadable(view), NodeStates.ALL_READY))
                .returns(Outcome.UNREACHABLE, PodOutcome::outcome)
                .satisfies(outcome -> assertThat(outcome.message()).contains(uid("redis-0"), "spec.containers"));
        assertThat(PodOutcome.applying(fix, pod, unreadable(view), true, NodeStates.ALL_READY))
                .returns(Outcome.PROGRESSING, PodOutcome::outcome)
                .satisfies(outcome -> assertThat(outcome.message()).contains("spec.containers"));
        // Of a ViewPatch that can not be read it is not known which version of it is meant: any is taken back.
        view.setStatus(report(1, layer(fix, LayerState.REVERTING, 1)));
        assertThat(PodOutcome.reverting(unreadable(fix), view, NodeStates.ALL_READY))
                .returns("Because", PodOutcome::reason);
    }

    @Test
    void whatAFullContainerHasNoRoomForIsRefusedUnlessSomeIsBeingTakenBack() {
        final List<Layer> layers = new ArrayList<>(IntStream.range(0, ContainerLayers.MAX_LAYERS)
                .mapToObj(i -> patch("fix-" + i, "2026-11-23T20:00:00Z"))
                .map(patch -> Layers.wantedBy(patch, Instant.parse("2026-11-23T22:00:00Z"), null))
                .toList());
        assertThat(PodOutcome.applying(fix, pod, listing(layers), true, NodeStates.ALL_READY))
                .returns(Outcome.REFUSED, PodOutcome::outcome)
                .returns("TooManyLayers", PodOutcome::reason)
                .satisfies(outcome -> assertThat(outcome.message())
                        .contains("container redis has " + ContainerLayers.MAX_LAYERS + " layers"));
        assertThat(PodOutcome.applying(fix, pod, listing(layers), false, NodeStates.ALL_READY))
                .returns("WaitingForWave", PodOutcome::reason);

        layers.set(7, Layers.absent(layers.get(7), null));
        assertThat(PodOutcome.applying(fix, pod, listing(layers), true, NodeStates.ALL_READY))
                .returns("WaitingForNode", PodOutcome::reason);
    }

    private PodView listing(final List<Layer> layers) {
        return view(
                pod,
                new PodViewSpec("redis-0", "node-1", List.of(new ContainerLayers("redis", "containerd://1", layers))),
                1);
    }

    @Test
    void whatTheNodeReportedInThisBootOfThisContainerCounts() {
        assertThat(applying(pod, LayerState.APPLIED, new Booted(NodeState.READY, BOOT)))
                .returns(Outcome.APPLIED, PodOutcome::outcome);
    }

    @ParameterizedTest
    @EnumSource(LayerState.class)
    void whatItReportedBeforeItWasBootedAgainDoesNot(final LayerState state) {
        assertThat(applying(pod, state, new Booted(NodeState.READY, "another boot")))
                .returns(Outcome.PROGRESSING, PodOutcome::outcome)
                .returns("WaitingForNode", PodOutcome::reason);
    }

    @ParameterizedTest
    @EnumSource(LayerState.class)
    void whatItReportedOfTheContainerBeforeDoesNot(final LayerState state) {
        assertThat(applying(startedAgain(), state, NodeStates.ALL_READY))
                .returns(Outcome.PROGRESSING, PodOutcome::outcome)
                .returns("WaitingForNode", PodOutcome::reason);
    }

    @Test
    void whatItReportedOfAContainerThatHasEndedDoesNot() {
        assertThat(applying(ended(), LayerState.APPLIED, NodeStates.ALL_READY))
                .returns(Outcome.PROGRESSING, PodOutcome::outcome);
    }

    @Test
    void whatDoesNotCountIsUnknownWhileTheAgentIsSilent() {
        final var silent = new Booted(SILENT, BOOT);
        assertThat(applying(pod, LayerState.APPLIED, silent)).returns(Outcome.APPLIED, PodOutcome::outcome);
        assertThat(applying(startedAgain(), LayerState.APPLIED, silent))
                .returns(Outcome.UNREACHABLE, PodOutcome::outcome)
                .returns("AgentMissing", PodOutcome::reason);
    }

    @Test
    void whatIsTakenBackIsNotWaitedForInAnotherBoot() {
        final var view = reported(pod, fix, LayerState.REVERTING);
        assertThat(PodOutcome.reverting(fix, view, new Booted(NodeState.READY, BOOT)))
                .returns("Because", PodOutcome::reason);
        assertThat(PodOutcome.reverting(fix, view, new Booted(NodeState.READY, "another boot")))
                .returns(Outcome.PROGRESSING, PodOutcome::outcome)
                .returns("WaitingForNode", PodOutcome::reason);
    }

    private PodOutcome applying(final Pod now, final LayerState state, final NodeStates nodes) {
        return PodOutcome.applying(fix, now, reported(pod, fix, state), true, nodes);
    }

    private Pod startedAgain() {
        return new PodBuilder(pod)
                .editStatus()
                .editFirstContainerStatus()
                .withContainerID("containerd://2")
                .endContainerStatus()
                .endStatus()
                .build();
    }

    private Pod ended() {
        return new PodBuilder(pod)
                .editStatus()
                .editFirstContainerStatus()
                .withNewState()
                .withNewTerminated()
                .endTerminated()
                .endState()
                .endContainerStatus()
                .endStatus()
                .build();
    }
}

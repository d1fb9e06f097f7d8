// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.nodes;

import static dev.atlasviews.operator.Objects.BOOT;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.readyNode;
import static dev.atlasviews.operator.Objects.viewNode;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.ViewNodeStatus;
import dev.atlasviews.operator.Objects;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class NodeStateTest {
    private static final ViewNode FINE = readyNode("node-1");
    private static final ViewNode WITHOUT_MODULE =
            viewNode("node-1", BOOT, "False", "ModuleUnavailable", "there is no module for kernel 4.4");

    @Test
    void aNodeWhoseAgentIsReadyAndHasTheModuleIsReady() {
        assertThat(state(FINE, agent("True"))).isEqualTo(NodeState.READY);
    }

    @Test
    void anAgentThatRunsInNoPodIsTakenAtItsWord() {
        assertThat(state(FINE)).isEqualTo(NodeState.READY);
    }

    @Test
    void aNodeWhoseAgentsPodIsGoneIsUnknown() {
        assertThat(state(reportedBy("atlas-agent-a")))
                .returns(NodeState.Kind.AGENT_MISSING, NodeState::kind)
                .satisfies(state -> assertThat(state.message()).contains("node-1", "atlas-agent-a", "DaemonSet"));
    }

    @Test
    void aNodeWhoseAgentsPodIsThereIsReady() {
        assertThat(state(reportedBy("atlas-agent-x"), agent("True"))).isEqualTo(NodeState.READY);
    }

    @Test
    void anotherAgentInThePlaceOfTheOneThatReportedIsWhatCounts() {
        // One that says nothing of its pod leaves the name of the one before it.
        assertThat(state(reportedBy("atlas-agent-a"), agent("True"))).isEqualTo(NodeState.READY);
        assertThat(state(reportedBy("atlas-agent-a"), agent("False")))
                .returns(NodeState.Kind.AGENT_MISSING, NodeState::kind)
                .satisfies(state -> assertThat(state.message()).contains("atlas-agent-x", "not ready"));
    }

    @Test
    void whereAgentsPodsAreNotKnownAnAgentIsTakenAtItsWord() {
        assertThat(NodeState.of("node-1", reportedBy("atlas-agent-a"))).isEqualTo(NodeState.READY);
        assertThat(NodeState.of("node-1", null).kind()).isEqualTo(NodeState.Kind.AGENT_MISSING);
    }

    @Test
    void aNodeWithoutModuleSaysWhyAlsoWhenItsAgentIsGone() {
        final ViewNode node = reportedBy("atlas-agent-a");
        final ViewNodeStatus status = node.getStatus();
        node.setStatus(new ViewNodeStatus(
                status.bootId(),
                status.agentVersion(),
                status.agentPod(),
                status.kernel(),
                null,
                WITHOUT_MODULE.getStatus().conditions()));
        assertThat(state(node).kind()).isEqualTo(NodeState.Kind.MODULE_UNAVAILABLE);
    }

    @Test
    void aNodeThatNoAgentHasReportedFromIsUnknown() {
        for (final @Nullable ViewNode silent : new ViewNode[] {null, created()}) {
            assertThat(state(silent, agent("True")))
                    .returns(NodeState.Kind.AGENT_MISSING, NodeState::kind)
                    .satisfies(state -> assertThat(state.message()).contains("no agent has ever reported", "node-1"));
        }
    }

    @Test
    void aNodeWhoseAgentIsNotReadyIsUnknown() {
        for (final Pod broken : List.of(agent("False"), agent("Unknown"), agentWithoutConditions())) {
            assertThat(state(FINE, broken))
                    .returns(NodeState.Kind.AGENT_MISSING, NodeState::kind)
                    .satisfies(state -> assertThat(state.message()).contains("node-1", "atlas-agent-x", "not ready"));
        }
    }

    @Test
    void oneAgentThatIsNotReadyIsEnough() {
        assertThat(state(FINE, agent("True"), agent("False")).kind()).isEqualTo(NodeState.Kind.AGENT_MISSING);
    }

    @Test
    void aNodeWithoutModuleSaysWhyWhateverBecameOfItsAgent() {
        for (final String ready : List.of("True", "False")) {
            assertThat(state(WITHOUT_MODULE, agent(ready)))
                    .returns(NodeState.Kind.MODULE_UNAVAILABLE, NodeState::kind)
                    .satisfies(state -> assertThat(state.message()).contains("node-1", "kernel 4.4"));
        }
    }

    @Test
    void aNodeThatSaysNothingOfItselfButItsKernelIsReady() {
        final ViewNode node = created();
        final ViewNodeStatus status = FINE.getStatus();
        node.setStatus(
                new ViewNodeStatus(status.bootId(), status.agentVersion(), null, status.kernel(), null, List.of()));
        assertThat(state(node)).isEqualTo(NodeState.READY);
    }

    @Test
    void anAgentIsKnownByBothOfItsLabels() {
        assertThat(NodeState.isAgent(agent("True"))).isTrue();
        assertThat(NodeState.isAgent(labelled(Map.of("app.kubernetes.io/name", "atlas-for-kubernetes"))))
                .isFalse();
        assertThat(NodeState.isAgent(labelled(Map.of("app.kubernetes.io/component", "agent"))))
                .isFalse();
        assertThat(NodeState.isAgent(labelled(null))).isFalse();
    }

    private static NodeState state(final @Nullable ViewNode node, final Pod... agents) {
        return NodeState.of("node-1", node, Stream.of(agents));
    }

    private static ViewNode reportedBy(final String pod) {
        return Objects.reportedBy(readyNode("node-1"), pod);
    }

    private static ViewNode created() {
        final ViewNode node = new ViewNode();
        node.setMetadata(FINE.getMetadata());
        return node;
    }

    private static Pod agent(final String ready) {
        return new PodBuilder(agentWithoutConditions())
                .editStatus()
                .addNewCondition()
                .withType("Ready")
                .withStatus(ready)
                .endCondition()
                .endStatus()
                .build();
    }

    private static Pod agentWithoutConditions() {
        return labelled(Map.of(
                "app.kubernetes.io/name", "atlas-for-kubernetes",
                "app.kubernetes.io/component", "agent"));
    }

    private static Pod labelled(final @Nullable Map<String, String> labels) {
        return new PodBuilder(pod("atlas-agent-x"))
                .editMetadata()
                .withLabels(labels)
                .endMetadata()
                .build();
    }
}

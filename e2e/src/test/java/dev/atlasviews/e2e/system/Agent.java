// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.cluster.Output;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import java.time.Duration;

/** The agent on a node, from the point of view of those who do it harm. */
final class Agent {
    private static final Duration LIMIT = Duration.ofMinutes(4);
    /** In the command line of its process, and not in that of a shell which looks for it. */
    private static final String NAME = "dev.atlasviews.agent.cli.Atlas[ ]agent";
    /** What the last of its users did may end a moment later. */
    private static final String UNLOAD =
            "i=0; until rmmod atlas 2>/dev/null; do [ $((i += 1)) -lt 100 ] || exit 1; sleep 0.1; done";

    private final AtlasSystem system;
    private final Node node;

    Agent(AtlasSystem system) {
        this(system, system.node());
    }

    Agent(AtlasSystem system, Node node) {
        this.system = system;
        this.node = node;
    }

    /** Takes its memory away, so that the kernel kills it, and returns when it has been started again. */
    void runOutOfMemory() {
        restartedAfter(
                "sh",
                "-c",
                "pid=$(pgrep -o -f \"$0\") && echo 8M >/sys/fs/cgroup$(cut -d: -f3 /proc/$pid/cgroup)/memory.max",
                NAME);
        assertThat(container().getLastState().getTerminated().getReason()).isEqualTo("OOMKilled");
    }

    /** Ends it and takes the module away: from then on the kernel takes signed ones only, which ours is not. */
    void killAndForbidModule() {
        restartedAfter(
                "sh",
                "-c",
                "echo 1 >/sys/module/module/parameters/sig_enforce && pkill -KILL -f \"$0\" && " + UNLOAD,
                NAME);
    }

    /** Ends it and puts another module in the place of its own. */
    void killAndLoad(String module) {
        restartedAfter("sh", "-c", "pkill -KILL -f \"$0\" && " + UNLOAD + " && insmod " + module, NAME);
    }

    /** Takes the module away, which no process of the node uses. */
    void unloadModule() {
        node.exec("sh", "-c", UNLOAD).requireSuccess();
    }

    private void restartedAfter(String... command) {
        int restarts = restarts();
        Output killed = node.exec(command);
        assertThat(killed.status()).as("an agent was there to be killed").isZero();
        await("the agent is started again").atMost(LIMIT).until(() -> restarts() > restarts);
    }

    /** How often it was started again. */
    int restarts() {
        return container().getRestartCount();
    }

    private ContainerStatus container() {
        return system.agents().stream()
                .filter(pod -> node.name().equals(pod.getSpec().getNodeName()))
                .findFirst()
                .orElseThrow()
                .getStatus()
                .getContainerStatuses()
                .getFirst();
    }
}

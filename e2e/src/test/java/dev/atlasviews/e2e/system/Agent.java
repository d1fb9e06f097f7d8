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
    /** In the command line of its process. */
    private static final String PROGRAM = "dev.atlasviews.agent.cli.Atlas agent";

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
                PROGRAM.replace("Atlas ", "Atlas[ ]"));
        assertThat(container().getLastState().getTerminated().getReason()).isEqualTo("OOMKilled");
    }

    /** Ends it and takes the module away: from then on the kernel takes signed ones only, which ours is not. */
    void killAndForbidModule() {
        // What ends the agent must not be found by its name.
        restartedAfter(
                "sh",
                "-c",
                "echo 1 >/sys/module/module/parameters/sig_enforce && pkill -KILL -f \"$0\" && "
                        + "for i in $(seq 100); do rmmod atlas 2>/dev/null && exit; sleep 0.1; done; rmmod atlas",
                PROGRAM.replace("Atlas ", "Atlas[ ]"));
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

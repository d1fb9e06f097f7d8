// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.e2e.cluster.Output;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import java.time.Duration;

/** The agent on the node, from the point of view of those who do it harm. */
final class Agent {
    private static final Duration LIMIT = Duration.ofMinutes(4);

    private final AtlasSystem system;

    Agent(AtlasSystem system) {
        this.system = system;
    }

    /** Ends it at once, as running out of memory would, and returns when it no longer runs. */
    void kill() {
        int restarts = container().getRestartCount();
        Output killed = system.node().exec("pkill", "-KILL", "-f", "dev.atlasviews.agent.cli.Atlas agent");
        assertThat(killed.status()).as("an agent was there to be killed").isZero();
        await("the agent is started again")
                .atMost(LIMIT)
                .until(() -> container().getRestartCount() > restarts);
    }

    /** How often it was started again. */
    int restarts() {
        return container().getRestartCount();
    }

    private ContainerStatus container() {
        return system.agents().getFirst().getStatus().getContainerStatuses().getFirst();
    }
}

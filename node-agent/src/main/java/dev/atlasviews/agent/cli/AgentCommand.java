// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.kube.NodeAgent;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code atlas agent}. */
@Command(
        name = "agent",
        mixinStandardHelpOptions = true,
        description = "Runs the agent of a Kubernetes node: needs root, the host's processes and the cluster.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class AgentCommand implements Callable<Integer> {
    @Option(
            names = "--node",
            required = true,
            defaultValue = "${env:NODE_NAME}",
            paramLabel = "NAME",
            description = "the node's name (default: $NODE_NAME)")
    private String node;

    @Option(
            names = "--modules",
            paramLabel = "DIRECTORY",
            defaultValue = "${env:ATLAS_MODULES:-/opt/atlas/modules}",
            description = "holds RELEASE/atlas.ko for the kernels of the cluster (default: ${DEFAULT-VALUE})")
    private Path modules;

    @Option(
            names = "--state",
            paramLabel = "DIRECTORY",
            defaultValue = "${env:ATLAS_STATE:-/var/lib/atlas}",
            description = "where applied patches are remembered (default: ${DEFAULT-VALUE})")
    private Path state;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = new KubernetesClientBuilder().build();
                NodeAgent agent = NodeAgent.start(client, node, modules, state)) {
            agent.await();
            return Atlas.FAILED;
        }
    }
}

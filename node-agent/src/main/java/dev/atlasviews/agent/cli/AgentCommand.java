// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.kube.AgentPlace;
import dev.atlasviews.agent.kube.NodeAgent;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.monitoring.StatusServer;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
            names = "--pod",
            defaultValue = "${env:POD_NAME}",
            paramLabel = "NAME",
            description = "the pod in which it runs (default: $POD_NAME, or none)")
    private @Nullable String pod;

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

    @Option(
            names = "--trusted-keys",
            paramLabel = "DIRECTORY",
            defaultValue = "${env:ATLAS_TRUSTED_KEYS}",
            description = "holds the public keys of those whose patches it applies (default: $ATLAS_TRUSTED_KEYS, or"
                    + " everybody's)")
    private @Nullable Path trustedKeys;

    @Option(
            names = "--registries",
            paramLabel = "DIRECTORY",
            defaultValue = "${env:ATLAS_REGISTRIES}",
            description =
                    "holds \"hosts\", the registries that may be asked for patches, one a line, after http:// where"
                            + " without TLS; and maybe \"ca.crt\" (default: $ATLAS_REGISTRIES, or none may be asked)")
    private @Nullable Path registries;

    @Option(
            names = "--registry-credentials",
            paramLabel = "FILE",
            defaultValue = "${env:ATLAS_REGISTRY_CREDENTIALS}",
            description = "as \"docker login\" writes it (default: $ATLAS_REGISTRY_CREDENTIALS, or none)")
    private @Nullable Path registryCredentials;

    @Option(
            names = "--status-port",
            paramLabel = "PORT",
            defaultValue = "${env:ATLAS_STATUS_PORT:-0}",
            description = "where it answers /livez, /readyz and /metrics (default: $ATLAS_STATUS_PORT, or nowhere)")
    private int statusPort;

    @Override
    public Integer call() throws Exception {
        final TrustedKeys trusted = trustedKeys == null ? TrustedKeys.EVERYBODY : TrustedKeys.read(trustedKeys);
        final var settings = new RegistrySettings(registries, registryCredentials);
        final var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new JvmMemoryMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        try (KubernetesClient client = new KubernetesClientBuilder().build();
                NodeAgent agent = NodeAgent.start(
                        client, new AgentPlace(node, pod), modules, state, trusted, settings, registry);
                StatusServer _ = statusPort == 0
                        ? null
                        : new StatusServer(statusPort, agent::isLive, agent::isReady, registry::scrape)) {
            agent.await();
            return Atlas.FAILED;
        }
    }
}

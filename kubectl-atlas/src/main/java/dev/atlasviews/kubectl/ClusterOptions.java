// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which cluster and namespace, as kubectl's own options say it. */
@SuppressWarnings("NullAway.Init") // set by picocli
final class ClusterOptions {
    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "the namespace (default: that of the context)")
    private @Nullable String namespace;

    @Option(names = "--kubeconfig", paramLabel = "FILE", description = "default: $KUBECONFIG or ~/.kube/config")
    private @Nullable Path kubeconfig;

    @Option(names = "--context", paramLabel = "NAME", description = "the context (default: the current one)")
    private @Nullable String context;

    KubernetesClient client() {
        final Config config = kubeconfig == null
                ? Config.autoConfigure(context)
                : Config.fromKubeconfig(context, kubeconfig.toFile());
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    String namespace(final KubernetesClient client) {
        return namespace != null
                ? namespace
                : Objects.requireNonNullElse(client.getConfiguration().getNamespace(), "default");
    }

    /** The ViewPatch of that name. */
    ViewPatch viewPatch(final KubernetesClient client, final String name) throws IOException {
        final String in = namespace(client);
        final ViewPatch patch =
                client.resources(ViewPatch.class).inNamespace(in).withName(name).get();
        if (patch == null) {
            throw new IOException("there is no ViewPatch %s in namespace %s; \"kubectl get viewpatches -A\" lists all"
                    .formatted(name, in));
        }
        return patch;
    }
}

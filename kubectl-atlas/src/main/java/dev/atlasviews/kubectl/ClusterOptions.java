// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.HasMetadata;
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
    private static final int RETRIES = 1;

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "the namespace (default: that of the context)")
    private @Nullable String namespace;

    @Option(names = "--kubeconfig", paramLabel = "FILE", description = "default: $KUBECONFIG or ~/.kube/config")
    private @Nullable Path kubeconfig;

    @Option(names = "--context", paramLabel = "NAME", description = "the context (default: the current one)")
    private @Nullable String context;

    /**
     * A client of that cluster.
     *
     * @throws IOException if there is no such context: what was meant for one cluster must not happen to another
     */
    KubernetesClient client() throws IOException {
        final Config config = kubeconfig == null
                ? Config.autoConfigure(context)
                : Config.fromKubeconfig(context, kubeconfig.toFile());
        if (context != null
                && config.getContexts().stream()
                        .noneMatch(known -> known.getName().equals(context))) {
            throw new IOException(
                    "there is no context %s; \"kubectl config get-contexts\" lists all".formatted(context));
        }
        // Somebody waits: that a server does not answer is said soon.
        config.setRequestRetryBackoffLimit(RETRIES);
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    String namespace(final KubernetesClient client) {
        return namespace != null
                ? namespace
                : Objects.requireNonNullElse(client.getConfiguration().getNamespace(), "default");
    }

    /**
     * Gives an object of a file the namespace where it names none.
     *
     * @throws IOException if another one is asked for than the object names
     */
    void place(final KubernetesClient client, final HasMetadata object) throws IOException {
        final String named = object.getMetadata().getNamespace();
        if (named == null) {
            object.getMetadata().setNamespace(namespace(client));
        } else if (namespace != null && !named.equals(namespace)) {
            throw new IOException("%s %s is of namespace %s, and not of %s, as asked for with --namespace"
                    .formatted(object.getKind(), object.getMetadata().getName(), named, namespace));
        }
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

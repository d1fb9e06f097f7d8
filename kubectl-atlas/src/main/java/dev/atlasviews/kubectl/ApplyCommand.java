// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kubectl atlas apply}. */
@Command(
        name = "apply",
        mixinStandardHelpOptions = true,
        description = "Applies ViewPatches and their artifacts, server-side; waits until they are applied or fail.")
@SuppressWarnings("NullAway.Init") // set by picocli
final class ApplyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ClusterOptions cluster;

    @Mixin
    private FileOptions files;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "how long to wait; 0 for not at all (default: ${DEFAULT-VALUE})")
    private int timeout;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            final Set<String> artifacts = new HashSet<>();
            final List<ViewPatch> patches = new ArrayList<>();
            for (final Document document : Documents.read(client, cluster, files.files())) {
                final GenericKubernetesResource sent = document.send(client, files.forceConflicts(), false);
                spec.commandLine().getOut().println("%s applied".formatted(document.name()));
                if (document.isPatch()) {
                    patches.add(client.getKubernetesSerialization().convertValue(sent, ViewPatch.class));
                } else {
                    artifacts.add(id(
                            sent.getMetadata().getNamespace(),
                            sent.getMetadata().getName()));
                }
            }
            int result = 0;
            if (timeout > 0) {
                for (final ViewPatch patch : patches) {
                    result = Math.max(result, await(client, patch, artifacts.contains(artifactOf(patch))));
                }
            }
            return result;
        }
    }

    private int await(final KubernetesClient client, final ViewPatch patch, final boolean broughtArtifact) {
        final var resource = client.resources(ViewPatch.class)
                .inNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getMetadata().getName());
        try {
            resource.waitUntilCondition(
                    now -> new ApplyProgress(now, broughtArtifact).isDecided(), timeout, TimeUnit.SECONDS);
        } catch (final KubernetesClientTimeoutException e) {
            spec.commandLine().getErr().println("not done after %d seconds".formatted(timeout));
        }
        final var reached = new ApplyProgress(resource.get(), broughtArtifact);
        reached.text().ifPresent(spec.commandLine().getOut()::println);
        return reached.isSuccess() ? 0 : KubectlAtlas.FAILED;
    }

    private static String artifactOf(final ViewPatch patch) {
        return id(
                patch.getMetadata().getNamespace(),
                patch.getSpec().change().patch().artifactRef().name());
    }

    private static String id(final String namespace, final String name) {
        return namespace + "/" + name;
    }
}

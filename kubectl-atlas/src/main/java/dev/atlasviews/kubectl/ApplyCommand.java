// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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

    @Option(
            names = {"-f", "--filename"},
            required = true,
            paramLabel = "FILE",
            description = "YAML files")
    private List<Path> files;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "how long to wait; 0 for not at all (default: ${DEFAULT-VALUE})")
    private int timeout;

    @Override
    public Integer call() throws Exception {
        try (KubernetesClient client = cluster.client()) {
            int result = 0;
            final List<HasMetadata> objects = Documents.read(client, cluster.namespace(client), files);
            for (final HasMetadata object : objects) {
                client.resource(object).fieldManager("kubectl-atlas").serverSideApply();
                spec.commandLine()
                        .getOut()
                        .println("%s %s applied"
                                .formatted(
                                        object.getKind(), object.getMetadata().getName()));
            }
            if (timeout > 0) {
                for (final HasMetadata object : objects) {
                    result = Math.max(result, object instanceof final ViewPatch patch ? await(client, patch) : 0);
                }
            }
            return result;
        }
    }

    private int await(final KubernetesClient client, final ViewPatch patch) {
        final var resource = client.resources(ViewPatch.class)
                .inNamespace(patch.getMetadata().getNamespace())
                .withName(patch.getMetadata().getName());
        try {
            resource.waitUntilCondition(ApplyCommand::isDecided, timeout, TimeUnit.SECONDS);
        } catch (final KubernetesClientTimeoutException e) {
            spec.commandLine().getErr().println("not done after %d seconds".formatted(timeout));
        }
        final ViewPatch reached = Objects.requireNonNull(resource.get());
        final Condition applied = StatusTree.condition(reached, "Applied").orElse(null);
        if (applied != null) {
            spec.commandLine().getOut().println("%s: %s".formatted(applied.getReason(), applied.getMessage()));
        }
        return applied != null && applied.getStatus().equals("True") ? 0 : KubectlAtlas.FAILED;
    }

    /** Applied, failed, or nothing is to be done: of the specification as it is now. */
    private static boolean isDecided(final @Nullable ViewPatch patch) {
        if (patch == null
                || patch.getStatus() == null
                || !Objects.equals(
                        patch.getStatus().observedGeneration(),
                        patch.getMetadata().getGeneration())) {
            return false;
        }
        return has(patch, "Applied") || has(patch, "Degraded") || !has(patch, "Progressing");
    }

    private static boolean has(final ViewPatch patch, final String type) {
        return StatusTree.condition(patch, type)
                .filter(condition -> condition.getStatus().equals("True"))
                .isPresent();
    }
}

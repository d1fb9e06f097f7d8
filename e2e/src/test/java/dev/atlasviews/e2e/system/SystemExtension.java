// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests the one {@link AtlasSystem} of the whole run: started by the first that asks, closed after the last. Those that
 * ask for a client only get one of that cluster or, with {@code -Dcluster=kubeconfig}, of the one that the caller has. What a
 * test class left of ViewPatches in that system, because it failed, is taken back after it: the next ones begin as ever.
 */
public final class SystemExtension implements ParameterResolver, AfterAllCallback {
    private static final Namespace NAMESPACE = Namespace.create(SystemExtension.class);
    private static final Path STATE = Path.of("target/cluster").toAbsolutePath();
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        var type = parameter.getParameter().getType();
        return type == AtlasSystem.class || type == KubernetesClient.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        var store = context.getRoot().getStore(NAMESPACE);
        if (parameter.getParameter().getType() == AtlasSystem.class) {
            return system(store);
        }
        return switch (System.getProperty("cluster", "local")) {
            case "local" -> system(store).client();
            case "kubeconfig" ->
                store.computeIfAbsent(
                        KubernetesClient.class, type -> new KubernetesClientBuilder().build(), KubernetesClient.class);
            case String other ->
                throw new ParameterResolutionException(
                        "-Dcluster=%s: local, or kubeconfig, which a cluster of kind is too (docs/operations.md)"
                                .formatted(other));
        };
    }

    @Override
    public void afterAll(ExtensionContext context) {
        var system = context.getRoot().getStore(NAMESPACE).get(AtlasSystem.class, AtlasSystem.class);
        if (system != null) {
            var patches = system.client().resources(ViewPatch.class).inAnyNamespace();
            patches.delete();
            await("no ViewPatch is left")
                    .atMost(LIMIT)
                    .until(() -> patches.list().getItems().isEmpty());
        }
    }

    private static AtlasSystem system(Store store) {
        return store.computeIfAbsent(
                AtlasSystem.class, type -> AtlasSystem.start(STATE, part -> {}), AtlasSystem.class);
    }
}

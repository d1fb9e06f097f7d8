// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.LocalPortForward;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What everybody does, by nothing but a cluster's API: wherever the chart is installed and a node can pull or has the image
 * {@code e2e/images/redis}, which {@code -Dredis.image} names.
 */
@Tag("any-cluster")
@ExtendWith(SystemExtension.class)
class AnyClusterIT {
    private static final String NAME = "atlas-check";
    private static final String IMAGE = System.getProperty("redis.image", RedisPod.IMAGE);
    private static final Duration LIMIT = Duration.ofMinutes(10);

    @Test
    void aServerInAPodIsPatchedAndUnpatchedWhileItRuns(KubernetesClient cluster, @TempDir Path directory)
            throws Exception {
        var fix = RedisUnderPatch.buildFix(directory);
        var namespace = cluster.resource(namespace());
        namespace.create();
        try {
            // Pods can not be created before.
            cluster.serviceAccounts()
                    .inNamespace(NAME)
                    .withName("default")
                    .waitUntilCondition(Objects::nonNull, LIMIT.toSeconds(), TimeUnit.SECONDS);
            var pod = cluster.resource(in(pod()));
            pod.create();
            pod.waitUntilCondition(Readiness.getInstance()::isReady, LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(behaviour(cluster)).isEqualTo("vulnerable");

            cluster.resource(in(fix.artifact(NAME))).create();
            var patch = cluster.resource(in(fix.viewPatch(NAME, NAME, QuiescenceScope.THREAD, Rollout.DEFAULT)));
            patch.create();
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(PatchCycle.condition(patch.get(), "Applied"))
                            .hasValueSatisfying(applied -> assertThat(applied.getStatus())
                                    .as("%s: %s", applied.getReason(), applied.getMessage())
                                    .isEqualTo("True")));
            assertThat(behaviour(cluster)).isEqualTo("fixed");

            patch.delete();
            patch.waitUntilCondition(Objects::isNull, LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(behaviour(cluster)).isEqualTo("vulnerable");
            assertThat(pod.get().getStatus().getContainerStatuses().getFirst().getRestartCount())
                    .isZero();
        } finally {
            namespace.delete();
            namespace.waitUntilCondition(Objects::isNull, LIMIT.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static String behaviour(KubernetesClient cluster) throws IOException {
        try (LocalPortForward port =
                cluster.pods().inNamespace(NAME).withName(NAME).portForward(RedisPod.PORT)) {
            return Scripts.ofThisCheckout()
                    .run("redis/probe", "-h", "127.0.0.1", "-p", Integer.toString(port.getLocalPort()))
                    .requireSuccess()
                    .strip();
        }
    }

    private static Pod pod() {
        var pod = RedisPod.definition(NAME);
        pod.getSpec().getContainers().getFirst().setImage(IMAGE);
        pod.getSpec().getContainers().getFirst().setImagePullPolicy("IfNotPresent");
        return pod;
    }

    private static Namespace namespace() {
        return new NamespaceBuilder()
                .withNewMetadata()
                .withName(NAME)
                .endMetadata()
                .build();
    }

    private static <T extends HasMetadata> T in(T object) {
        object.getMetadata().setNamespace(NAME);
        return object;
    }
}

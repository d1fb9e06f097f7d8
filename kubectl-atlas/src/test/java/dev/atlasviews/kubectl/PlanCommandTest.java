// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewNode;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Which pods a plan counts, and what it says of their nodes. */
final class PlanCommandTest {
    @Test
    void podsThatGoOrCameLaterThanIsAskedForAreNotCounted() {
        assertThat(counts("mode: Apply", "")).isTrue();
        assertThat(counts("mode: Apply", ", deletionTimestamp: '2026-11-23T23:00:00Z'"))
                .isFalse();
        assertThat(counts("newPods: Leave", "")).isFalse();
        assertThat(PlanCommand.concerns(Yaml.patch("mode: Apply", "{}"), Yaml.read(Pod.class, """
            metadata: {creationTimestamp: '2026-11-23T21:00:00Z'}
            spec: {}
            status: {phase: Pending}
            """)))
                .isFalse();
    }

    @Test
    void podsWithoutTheContainerAreNotCounted() {
        assertThat(counts("container: redis", "")).isTrue();
        assertThat(counts("container: proxy", "")).isTrue();
        assertThat(counts("container: once", "")).as("it ends before").isFalse();
        assertThat(counts("container: other", "")).isFalse();
    }

    /** A pod that came an hour after the ViewPatch. */
    private static boolean counts(final String field, final String metadata) {
        return PlanCommand.concerns(Yaml.patch(field, "{}"), Yaml.read(Pod.class, """
            metadata: {creationTimestamp: '2026-11-23T23:00:00Z'%s}
            spec:
              nodeName: node-1
              initContainers: [{name: proxy, restartPolicy: Always}, {name: once}]
              containers: [{name: redis}]
            status: {phase: Running}
            """.formatted(metadata)));
    }

    @Test
    void whoMayNotReadViewNodesAsksOnce() {
        final var asked = new AtomicInteger();
        final Nodes nodes = new Nodes(name -> {
            asked.incrementAndGet();
            throw new KubernetesClientException("forbidden", 403, null);
        });
        assertThat(nodes.text("node-1")).isEqualTo(nodes.text("node-2")).contains("you may not read ViewNodes");
        assertThat(asked).hasValue(1);
    }

    @Test
    void aNodeIsAskedForOnce() {
        final var asked = new AtomicInteger();
        final Nodes nodes = new Nodes(name -> {
            asked.incrementAndGet();
            return Yaml.read(ViewNode.class, """
                status: {bootId: boot, conditions: [{type: Ready, status: 'True', reason: R, message: it can}]}
                """);
        });
        assertThat(nodes.text("node-1")).isEqualTo("it can");
        assertThat(nodes.boot("node-1")).contains("boot");
        assertThat(asked).hasValue(1);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.crds.testing.OciRegistry;
import dev.atlasviews.e2e.cluster.Cluster;
import dev.atlasviews.e2e.cluster.Node;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisPod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A node with the module, and beside it one that never had any: its kernel, this machine's, takes none. */
@ExtendWith(SystemExtension.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
class HostNodesIT {
    private static AtlasSystem system;

    @AutoClose
    private static Node host;

    private static PatchCycle cycle;

    @BeforeAll
    static void startHostNode(AtlasSystem running, @TempDir Path directory) throws IOException {
        system = running;
        cycle = new PatchCycle(system, RedisUnderPatch.buildFix(directory));
        system.awaitAgent();
        host = system.startHostNode();
    }

    @AfterEach
    void takeBack() {
        cycle.revertIfThere(PATCH);
    }

    @Test
    void theNodeSaysWhyItCanNotPatch() {
        var status = system.client()
                .resources(ViewNode.class)
                .withName(host.name())
                .get()
                .getStatus();
        assertThat(status.module()).isNull();
        assertThat(status.kernel().release()).isEqualTo(host.kernel());
        assertThat(status.conditions()).singleElement().satisfies(ready -> {
            assertThat(ready.getReason()).isEqualTo("ModuleUnavailable");
            assertThat(ready.getMessage()).contains("module", host.kernel());
        });
        assertThat(system.kubectl().run("get", "viewnodes"))
                .containsPattern(system.node().name() + " +True +ModuleLoaded +")
                .containsPattern(host.name() + " +False +ModuleUnavailable +");
    }

    @Test
    void thePodOnItIsNamedAndTheOtherOneIsPatchedUntilItIsTheOnlyOne() throws IOException {
        try (var patched = RedisPod.startOn(system, system.node(), "redis-1")) {
            try (var other = RedisPod.startOn(system, host, "redis-2")) {
                cycle.create(PATCH, QuiescenceScope.THREAD, Rollout.DEFAULT);
                await("both are told of")
                        .atMost(LIMIT)
                        .untilAsserted(() -> assertThat(row())
                                .matches("fault +2 +1 +([1-9]\\d*) +\\1 +0 +Progressing +ModuleUnavailable .*"));
                assertThat(PatchCycle.condition(cycle.find(PATCH), "Applied")).hasValueSatisfying(applied -> {
                    assertThat(applied.getStatus()).isEqualTo("False");
                    assertThat(applied.getMessage()).contains(other.name(), host.name(), host.kernel());
                });
                assertThat(patched.behaviour()).isEqualTo("fixed");
                assertThat(other.behaviour()).isEqualTo("vulnerable");
            }
            cycle.awaitApplied(PATCH);
            assertThat(row()).matches("fault +1 +1 .* Complete +Applied .*");
        }
        system.node().requireCleanKernelLog();
    }

    /** Operator and agent by what {@code images/publish} writes, on a node that has neither. */
    @Test
    void itPullsWhatWasPublishedByDigest(@TempDir Path data) throws Exception {
        var scripts = Scripts.ofThisCheckout();
        try (var registry = OciRegistry.startAt(data, Cluster.HOST_ADDRESS)) {
            scripts.run(
                            "../images/publish",
                            "--as-built",
                            "--to",
                            registry.host() + "/team",
                            "--plain-http",
                            "--kernels",
                            "6.1")
                    .requireSuccess();
            host.exec(
                            "sh",
                            "-c",
                            "mkdir -p $0 && echo \"[host.\\\"http://$1\\\"]\" >$0/hosts.toml",
                            "/etc/containerd/certs.d/" + registry.host(),
                            registry.host())
                    .requireSuccess();
            try (var operator = OperatorPod.start(
                    system,
                    Map.of(
                            "operator.image.pullPolicy",
                            "Always",
                            "operator.nodeSelector.kubernetes\\.io/hostname",
                            host.name(),
                            "agent.image.pullPolicy",
                            "Always",
                            "agent.nodeSelector.kubernetes\\.io/hostname",
                            host.name()),
                    scripts.checkout("target/images.yaml"))) {
                assertThat(operator.pod().getSpec().getNodeName()).isEqualTo(host.name());
                assertThat(operator.container().getImageID())
                        .startsWith(registry.host() + "/team/atlas-operator@sha256:");
                await("the agent is there, and on no other node")
                        .atMost(LIMIT)
                        .untilAsserted(() -> assertThat(system.agents())
                                .singleElement()
                                .satisfies(agent -> {
                                    assertThat(agent.getSpec().getNodeName()).isEqualTo(host.name());
                                    assertThat(Readiness.isPodReady(agent)).isTrue();
                                    assertThat(agent.getStatus()
                                                    .getContainerStatuses()
                                                    .getFirst()
                                                    .getImageID())
                                            .startsWith(registry.host() + "/team/atlas-agent@sha256:");
                                }));
            }
        }
        system.awaitAgent();
    }

    /** As one sees it who asks by kubectl. */
    private static String row() {
        return system.kubectl()
                .run("get", "--namespace=" + RedisPod.NAMESPACE, "--no-headers", "viewpatch/" + PATCH)
                .strip();
    }
}

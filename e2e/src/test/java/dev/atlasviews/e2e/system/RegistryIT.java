// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.testing.OciRegistry;
import dev.atlasviews.e2e.cluster.Cluster;
import dev.atlasviews.e2e.redis.PatchCycle;
import dev.atlasviews.e2e.redis.RedisFix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Patches that a registry keeps and a key vouches for, both named by an upgrade of the chart that leaves views in place. */
@ExtendWith(SystemExtension.class)
@SuppressWarnings("NullAway.Init") // set by JUnit
class RegistryIT {
    private RedisFix fix;
    private KeyPair keys;

    @AutoClose
    private OciRegistry registry;

    private AtlasSystem system;

    @AutoClose
    private RedisUnderPatch redis;

    private PatchCycle cycle;

    @BeforeEach
    void start(AtlasSystem running, @TempDir Path builds, @TempDir Path data) throws Exception {
        system = running;
        fix = RedisUnderPatch.buildFix(builds);
        keys = PatchKeys.generate();
        registry = OciRegistry.startAt(data, Cluster.HOST_ADDRESS);
        redis = RedisUnderPatch.start(system, fix);
        cycle = redis.cycle();
    }

    @AfterEach
    void trustEverybodyAgain() {
        upgradeAgent(Map.of());
    }

    @Test
    void onlyWhatAKeyOfTheChartVouchesForComesFromItsRegistry(@TempDir Path files) throws Exception {
        long started = redis.look().startTime();
        cycle.apply(PATCH, QuiescenceScope.THREAD);
        upgradeAgent(Map.of(
                "patches.registries[0]", "http://" + registry.host(), "patches.trustedKeys.team", publicKey(files)));
        var seen = redis.look();
        assertThat(seen.threads())
                .as("an upgrade moves no thread")
                .allSatisfy(thread -> assertThat(thread.view()).isPositive());
        assertThat(seen.stat("views_created")).isEqualTo(1);
        redis.assertUnharmed(started, "fixed");
        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");

        order("unsigned", registry.push("team/unsigned", patch()));
        await("nobody vouches for it")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Applied"))
                        .hasValueSatisfying(applied -> {
                            assertThat(applied.getReason()).isEqualTo("UntrustedPatch");
                            assertThat(applied.getMessage()).contains("default/unsigned", "it has no signature");
                        }));
        redis.assertUnharmed(started, "vulnerable");
        cycle.revert(PATCH);

        // The node has the file from before; now it has to come from where it lies.
        system.node()
                .exec("sh", "-c", "rm /var/lib/atlas/patches/* /var/lib/atlas/registry-cache/*")
                .requireSuccess();
        order("signed", registry.push("team/signed", patch(), signature()));
        cycle.awaitApplied(PATCH);
        redis.assertUnharmed(started, "fixed");
        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    private void order(String name, String reference) throws IOException {
        system.client()
                .resource(RedisFix.artifactInRegistry(name, reference))
                .fieldManager("test")
                .serverSideApply();
        system.client()
                .resource(fix.viewPatch(PATCH, name, QuiescenceScope.THREAD, Rollout.DEFAULT))
                .create();
    }

    private OciRegistry.Part patch() {
        return new OciRegistry.Part(OciPatch.PATCH_MEDIA_TYPE, fix.file());
    }

    private OciRegistry.Part signature() throws Exception {
        return new OciRegistry.Part(
                OciPatch.SIGNATURE_MEDIA_TYPE,
                PatchSignature.sign(fix.patch(), keys.getPrivate(), keys.getPublic(), null)
                        .toBytes());
    }

    private String publicKey(Path directory) throws IOException {
        var file = directory.resolve("team.pub");
        PatchKeys.write(keys, directory.resolve("team"), file);
        return Files.readString(file);
    }

    /** Returns when another agent has taken over. */
    private void upgradeAgent(Map<String, Object> values) {
        system.chart().upgrade(values);
        system.kubectl()
                .run("rollout", "status", "--namespace=" + Chart.NAMESPACE, "--timeout=240s", "daemonset/atlas-agent");
        system.awaitAgent();
    }
}

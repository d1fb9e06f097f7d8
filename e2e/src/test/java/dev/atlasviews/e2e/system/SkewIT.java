// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.system;

import static dev.atlasviews.e2e.system.RedisUnderPatch.LIMIT;
import static dev.atlasviews.e2e.system.RedisUnderPatch.PATCH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewNode;
import dev.atlasviews.e2e.cluster.Scripts;
import dev.atlasviews.e2e.redis.PatchCycle;
import io.fabric8.kubernetes.api.model.Condition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Parts of different releases refuse each other by name, and what was ordered is done when they fit. */
class SkewIT extends RedisUnderPatchTest {
    private static final String MODULE = "/root/newer.ko";

    @Test
    void aModuleOfAnotherInterfaceIsNamedAndLeftAlone() throws IOException {
        long started = redis.look().startTime();
        var agent = new Agent(system);
        system.node().put(moduleOfAnotherInterface(), MODULE);
        agent.killAndLoad(MODULE);
        await("the node says why")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(ready()).hasValueSatisfying(condition -> {
                    assertThat(condition.getStatus()).isEqualTo("False");
                    assertThat(condition.getMessage())
                            .contains("version 2 of the interface, this program version 1", "rmmod atlas");
                }));

        cycle.create(PATCH, QuiescenceScope.THREAD, Rollout.DEFAULT);
        await("so does the patch")
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(PatchCycle.condition(redis.patch(), "Applied"))
                        .hasValueSatisfying(condition -> {
                            assertThat(condition.getReason()).isEqualTo("ModuleUnavailable");
                            assertThat(condition.getMessage()).contains("version 2 of the interface");
                        }));
        redis.assertUnharmed(started, "vulnerable");

        agent.unloadModule();
        cycle.awaitApplied(PATCH);
        redis.assertUnharmed(started, "fixed");
        cycle.revert(PATCH);
        redis.assertUnharmed(started, "vulnerable");
        redis.assertNothingIsLeft();
    }

    private Optional<Condition> ready() {
        return system
                .client()
                .resources(ViewNode.class)
                .withName(system.node().name())
                .get()
                .getStatus()
                .conditions()
                .stream()
                .filter(condition -> condition.getType().equals(ConditionType.READY.value()))
                .findFirst();
    }

    private Path moduleOfAnotherInterface() {
        var scripts = Scripts.ofThisCheckout();
        var series = system.node().kernel().replaceFirst("^(\\d+\\.\\d+).*", "$1");
        var patch = scripts.checkout("e2e/src/test/resources/newer-interface.patch");
        return Path.of(scripts.run("../kernel-module/build", series, patch.toString())
                .requireSuccess()
                .strip());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.ViewPatch;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Creates and deletes the ViewPatch of the fix, and waits until it has had its effect. */
public final class PatchCycle {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String ARTIFACT = "redis-fix";

    private final KubernetesClient client;
    private final RedisFix fix;

    /** Stores the patch file in the cluster, for all cycles. */
    public PatchCycle(KubernetesClient client, RedisFix fix) {
        this.client = client;
        this.fix = fix;
        client.resource(fix.artifact(ARTIFACT)).serverSideApply();
    }

    /** Applies the fix; returns when the ViewPatch is {@code Applied}. */
    public void apply(String name, QuiescenceScope scope) {
        client.resource(fix.viewPatch(name, ARTIFACT, scope)).create();
        awaitApplied(client, name);
    }

    /** Takes the fix back; returns when the ViewPatch is gone. */
    public void revert(String name) {
        resource(client, name).delete();
        awaitGone(client, name);
    }

    /** Waits until all threads of all pods run the new code. */
    public static void awaitApplied(KubernetesClient client, String name) {
        resource(client, name)
                .waitUntilCondition(patch -> holds(patch, "Applied"), LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** Waits until a ViewPatch is gone, which its finalizer allows when no thread runs the new code. */
    public static void awaitGone(KubernetesClient client, String name) {
        resource(client, name).waitUntilCondition(Objects::isNull, LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** Whether a ViewPatch has a condition with the status True. */
    public static boolean holds(@Nullable ViewPatch patch, String type) {
        return condition(patch, type)
                .filter(condition -> "True".equals(condition.getStatus()))
                .isPresent();
    }

    /** A condition of a ViewPatch. */
    public static Optional<Condition> condition(@Nullable ViewPatch patch, String type) {
        if (patch == null || patch.getStatus() == null) {
            return Optional.empty();
        }
        return patch.getStatus().conditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst();
    }

    private static Resource<ViewPatch> resource(KubernetesClient client, String name) {
        return client.resources(ViewPatch.class).inNamespace(RedisPod.NAMESPACE).withName(name);
    }
}

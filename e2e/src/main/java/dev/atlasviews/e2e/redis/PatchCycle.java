// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.e2e.system.AtlasSystem;
import io.fabric8.kubernetes.api.model.Condition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Creates and deletes the ViewPatch of the fix by kubectl, and waits until it has had its effect. */
public final class PatchCycle {
    /** A warm agent takes seconds; the first time, under full load on a slow host, it has had minutes. */
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private static final String ARTIFACT = "redis-fix";

    private final AtlasSystem system;
    private final RedisFix fix;
    private final Path document;

    /** Stores the patch file in the cluster, for all cycles. */
    public PatchCycle(AtlasSystem system, RedisFix fix) throws IOException {
        this.system = system;
        this.fix = fix;
        this.document = Files.createTempFile("viewpatch", ".yaml");
        document.toFile().deleteOnExit();
        system.client().resource(fix.artifact(ARTIFACT)).fieldManager("test").serverSideApply();
    }

    /** Creates the ViewPatch. */
    public void create(String name, QuiescenceScope scope, Rollout rollout) throws IOException {
        create(fix.viewPatch(name, ARTIFACT, scope, rollout));
    }

    /** Creates the ViewPatch such that it only tells what it would change. */
    public void observe(String name) throws IOException {
        var patch = fix.viewPatch(name, ARTIFACT, QuiescenceScope.THREAD, Rollout.DEFAULT);
        patch.setSpec(patch.getSpec().in(Mode.OBSERVE));
        create(patch);
    }

    private void create(ViewPatch patch) throws IOException {
        RedisFix.write(document, patch);
        system.kubectl().run("create", "--filename=" + document);
    }

    /** Applies the fix; returns when the ViewPatch is {@code Applied}. */
    public void apply(String name, QuiescenceScope scope) throws IOException {
        create(name, scope, Rollout.DEFAULT);
        awaitApplied(name);
    }

    /** Waits until all threads of all pods run the new code. */
    public void awaitApplied(String name) {
        system.kubectl()
                .run(
                        "wait",
                        "--namespace=" + RedisPod.NAMESPACE,
                        "--for=condition=Applied",
                        "--timeout=%ds".formatted(LIMIT.toSeconds()),
                        "viewpatch/" + name);
    }

    /** Takes the fix back; returns when the ViewPatch is gone, so that no thread runs the new code. */
    public void revert(String name) {
        system.kubectl()
                .run(
                        "delete",
                        "--namespace=" + RedisPod.NAMESPACE,
                        "--timeout=%ds".formatted(LIMIT.toSeconds()),
                        "viewpatch/" + name);
    }

    /** The same, where there may be none. */
    public void revertIfThere(String name) {
        if (find(name) != null) {
            revert(name);
        }
    }

    /** The ViewPatch as it is now; null when there is none. */
    public @Nullable ViewPatch find(String name) {
        return system.client()
                .resources(ViewPatch.class)
                .inNamespace(RedisPod.NAMESPACE)
                .withName(name)
                .get();
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
}

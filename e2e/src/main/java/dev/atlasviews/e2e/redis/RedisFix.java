// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.redis;

import dev.atlasviews.agent.cli.Atlas;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.crds.ArtifactReference;
import dev.atlasviews.crds.Change;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.OnDeadline;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.Quiescence;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.ThreadSelector;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.ViewPatchSpec;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;

/**
 * The patch with the fixes, built by {@code atlas build} from the object files before and after them, and the objects
 * that carry it into a cluster.
 */
public final class RedisFix {
    /** The function that the io-threads run as well: it makes every string of more than 44 bytes. */
    public static final String SHARED_FUNCTION = "_sdsnewlen";

    private static final String DESCRIPTION = "CVE-2025-32023, CVE-2025-21605 and CVE-2026-25243";

    private final byte[] file;
    private final Patch patch;

    private RedisFix(byte[] file, Patch patch) {
        this.file = file;
        this.patch = patch;
    }

    /**
     * Builds the patch.
     *
     * @param output where the patch file goes
     * @param out gets what the command prints
     */
    public static RedisFix build(RedisBuild redis, Path output, PrintWriter out) throws IOException {
        int status = Atlas.commandLine()
                .setOut(out)
                .setErr(out)
                .execute(
                        "build",
                        "--before",
                        redis.before().toString(),
                        "--after",
                        redis.after().toString(),
                        "--target",
                        redis.server().toString(),
                        "--output",
                        output.toString());
        if (status != 0) {
            throw new IOException("atlas build ended with status " + status);
        }
        var file = Files.readAllBytes(output);
        return new RedisFix(file, PatchReader.read(file));
    }

    /** The patch file. */
    public byte[] file() {
        return file.clone();
    }

    /** What the patch holds. */
    public Patch patch() {
        return patch;
    }

    /** The shared function's entry in the patch. */
    public PatchFunction sharedFunction() {
        return patch.targets().getFirst().functions().stream()
                .filter(function -> function.name().equals(SHARED_FUNCTION))
                .findFirst()
                .orElseThrow();
    }

    /** The object that carries the patch file. */
    public ViewPatchArtifact artifact(String name) {
        return artifact(name, file);
    }

    /** The object that carries some patch file. */
    public static ViewPatchArtifact artifact(String name, byte[] file) {
        return artifact(
                name, new ViewPatchArtifactSpec(DESCRIPTION, Base64.getEncoder().encodeToString(file)));
    }

    /** The object that names a patch file in a registry. */
    public static ViewPatchArtifact artifactInRegistry(String name, String reference) {
        return artifact(name, ViewPatchArtifactSpec.inRegistry(DESCRIPTION, reference));
    }

    private static ViewPatchArtifact artifact(String name, ViewPatchArtifactSpec spec) {
        var artifact = new ViewPatchArtifact();
        artifact.setMetadata(new ObjectMetaBuilder()
                .withName(name)
                .withNamespace(RedisPod.NAMESPACE)
                .build());
        artifact.setSpec(spec);
        return artifact;
    }

    /** A ViewPatch for the Redis pods that names an artifact. */
    public ViewPatch viewPatch(String name, String artifact, QuiescenceScope scope, Rollout rollout) {
        return viewPatch(name, artifact, Digest.of(file), scope, rollout);
    }

    /** A ViewPatch for the Redis pods with the digest of some patch file. */
    public static ViewPatch viewPatch(
            String name, String artifact, Digest digest, QuiescenceScope scope, Rollout rollout) {
        return viewPatch(name, artifact, digest, new Quiescence(scope, List.of(), 120, OnDeadline.REVERT), rollout);
    }

    /** The same that names functions that may be active, or another deadline. */
    public static ViewPatch viewPatch(
            String name, String artifact, Digest digest, Quiescence quiescence, Rollout rollout) {
        var viewPatch = new ViewPatch();
        viewPatch.setMetadata(new ObjectMetaBuilder()
                .withName(name)
                .withNamespace(RedisPod.NAMESPACE)
                .build());
        viewPatch.setSpec(new ViewPatchSpec(
                new LabelSelectorBuilder()
                        .addToMatchLabels("app", RedisPod.LABEL)
                        .build(),
                RedisPod.CONTAINER,
                new Change(new PatchChange(new ArtifactReference(artifact), digest)),
                ThreadSelector.ALL,
                quiescence,
                NewPods.APPLY,
                Mode.APPLY,
                rollout,
                List.of()));
        return viewPatch;
    }

    /** The documents that {@code kubectl apply -f} takes, written to a file. */
    public static void write(Path document, Object... objects) throws IOException {
        var text = new StringBuilder();
        for (var object : objects) {
            var yaml = Serialization.asYaml(object);
            text.append(yaml.startsWith("---") ? "" : "---\n").append(yaml);
        }
        Files.writeString(document, text);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.engine.ThreadShare;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFormatException;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignatureException;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.ViewPatchArtifact;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.Serial;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Fetches patch files from the cluster. The digest in the layer decides what is accepted, and who signed it, not the object's
 * word.
 */
final class Artifacts implements LayerPlan.Source {
    private final KubernetesClient client;
    private final LayerStore store;
    private final TrustedKeys trusted;

    /** A layer's patch can not be had, or is not what it should be. */
    static final class ArtifactException extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        private final LayerReason reason;

        ArtifactException(final LayerReason reason, final String message) {
            super(message);
            this.reason = reason;
        }

        LayerReason reason() {
            return reason;
        }
    }

    Artifacts(final KubernetesClient client, final LayerStore store, final TrustedKeys trusted) {
        this.client = client;
        this.store = store;
        this.trusted = trusted;
    }

    /** The layer with its patch, which is remembered. */
    @Override
    public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) throws IOException, ArtifactException {
        final Optional<byte[]> stored = store.patch(layer.digest().hex());
        final byte[] file = stored.isPresent() ? stored.get() : download(layer);
        try {
            final Patch patch = PatchReader.read(file);
            return new dev.atlasviews.agent.engine.Layer(
                    patch, threads(layer), layer.quiescence().excludedFunctions());
        } catch (final PatchFormatException e) {
            throw new ArtifactException(LayerReason.INVALID_PATCH, String.valueOf(e.getMessage()));
        }
    }

    /** The signature that was found is remembered, so that a node asks the cluster once. */
    @Override
    public void verify(final Layer layer, final Patch patch) throws IOException, ArtifactException {
        if (!trusted.any()) {
            return;
        }
        final Instant now = Instant.now();
        final Optional<String> known = store.signature(patch.digest());
        try {
            if (known.isEmpty() || !vouches(known.get(), patch, now)) {
                store.putSignature(
                        patch.digest(),
                        trusted.vouching(patch, artifact(layer).getSpec().signatures(), now));
            }
        } catch (final PatchSignatureException e) {
            throw new ArtifactException(
                    LayerReason.UNTRUSTED_PATCH,
                    "patch %s of ViewPatchArtifact %s: %s. Sign it with a key that the agents trust and put the signature into a new artifact"
                            .formatted(layer.digest(), place(layer), e.getMessage()));
        }
    }

    private boolean vouches(final String signature, final Patch patch, final Instant now) {
        try {
            trusted.vouching(patch, List.of(signature), now);
            return true;
        } catch (final PatchSignatureException e) {
            return false;
        }
    }

    /** The threads that a layer is meant for. */
    static ThreadFilter threads(final Layer layer) {
        return new ThreadFilter(layer.threads().namePattern(), share(layer));
    }

    /** How many of them. */
    static ThreadShare share(final Layer layer) {
        return ThreadShare.of(String.valueOf(layer.threads().share().getValue()));
    }

    private static String place(final Layer layer) {
        return layer.artifact().namespace() + "/" + layer.artifact().name();
    }

    private ViewPatchArtifact artifact(final Layer layer) throws ArtifactException {
        final ViewPatchArtifact artifact = client.resources(ViewPatchArtifact.class)
                .inNamespace(layer.artifact().namespace())
                .withName(layer.artifact().name())
                .get();
        if (artifact == null) {
            throw new ArtifactException(
                    LayerReason.ARTIFACT_NOT_FOUND, "there is no ViewPatchArtifact " + place(layer));
        }
        return artifact;
    }

    private byte[] download(final Layer layer) throws IOException, ArtifactException {
        final ViewPatchArtifact artifact = artifact(layer);
        final byte[] file;
        try {
            file = artifact.getSpec().file();
        } catch (final IllegalArgumentException e) {
            throw new ArtifactException(
                    LayerReason.INVALID_PATCH, "the content of ViewPatchArtifact " + place(layer) + " is no base64");
        }
        final Digest digest = Digest.of(file);
        if (!digest.equals(layer.digest())) {
            throw new ArtifactException(
                    LayerReason.DIGEST_MISMATCH,
                    "ViewPatchArtifact %s has the digest %s, the ViewPatch names %s"
                            .formatted(place(layer), digest, layer.digest()));
        }
        store.putPatch(file);
        return file;
    }
}

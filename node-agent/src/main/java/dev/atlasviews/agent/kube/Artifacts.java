// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ThreadFilter;
import dev.atlasviews.agent.engine.ThreadShare;
import dev.atlasviews.agent.oci.PatchFetches;
import dev.atlasviews.agent.oci.PulledPatch;
import dev.atlasviews.agent.oci.RegistryException;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFormatException;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.agent.patch.PatchSignatureException;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.OciReference;
import dev.atlasviews.crds.QuiescenceScope;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches patch files from the cluster, or from the registries that its objects name. The digest in the layer decides what is
 * accepted, and who signed it, not the object's word and not the registry's.
 */
final class Artifacts implements LayerPlan.Source {
    private static final Logger LOG = LoggerFactory.getLogger(Artifacts.class);
    /** Before what can come right only by another artifact is looked at again. */
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
    /** Somebody may be about to create it. */
    private static final Duration NOT_FOUND_PAUSE = Duration.ofSeconds(10);
    /** Fetches from registries have pauses of their own, which these only add to. */
    private static final Duration REGISTRY_PAUSE = Duration.ofSeconds(5);

    private static final Duration PENDING_PAUSE = Duration.ofSeconds(1);

    private final KubernetesClient client;
    private final LayerStore store;
    private final TrustedKeys trusted;
    private final PatchFetches registries;
    private final Requests requests;

    /** A layer's patch can not be had, or is not what it should be. */
    static final class ArtifactException extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        private final LayerReason reason;
        private final Duration longestPause;

        /** What only another artifact can mend. */
        ArtifactException(final LayerReason reason, final String message) {
            this(reason, message, LONGEST_PAUSE);
        }

        ArtifactException(final LayerReason reason, final String message, final Duration longestPause) {
            super(message);
            this.reason = reason;
            this.longestPause = longestPause;
        }

        /** How long it may be told of before it is tried again. */
        Duration longestPause() {
            return longestPause;
        }

        LayerReason reason() {
            return reason;
        }
    }

    Artifacts(
            final KubernetesClient client,
            final LayerStore store,
            final TrustedKeys trusted,
            final PatchFetches registries) {
        this(client, store, trusted, registries, System::nanoTime);
    }

    Artifacts(
            final KubernetesClient client,
            final LayerStore store,
            final TrustedKeys trusted,
            final PatchFetches registries,
            final LongSupplier nanos) {
        this.client = client;
        this.store = store;
        this.trusted = trusted;
        this.registries = registries;
        this.requests = new Requests(nanos);
    }

    /** The layer with its patch, which is remembered. */
    @Override
    public dev.atlasviews.agent.engine.Layer fetch(final Layer layer) throws IOException, ArtifactException {
        final Optional<Patch> stored = stored(layer);
        final Patch patch = stored.isPresent()
                ? stored.get()
                : requests.get(layer, Requests.Part.FILE, () -> storedOrDownloaded(layer));
        return new dev.atlasviews.agent.engine.Layer(
                patch, threads(layer), layer.quiescence().excludedFunctions(), scope(layer));
    }

    private Optional<Patch> stored(final Layer layer) throws IOException, ArtifactException {
        try {
            return store.patch(layer.digest().hex());
        } catch (final PatchFormatException e) {
            throw unreadable(e);
        }
    }

    private Patch storedOrDownloaded(final Layer layer) throws IOException, ArtifactException {
        final Optional<Patch> stored = stored(layer);
        return stored.isPresent() ? stored.get() : downloaded(layer);
    }

    /** It is kept once it was read. */
    private Patch downloaded(final Layer layer) throws IOException, ArtifactException {
        final byte[] file = download(layer);
        try {
            final Patch patch = PatchReader.read(file);
            store.putPatch(file);
            return patch;
        } catch (final PatchFormatException e) {
            throw unreadable(e);
        }
    }

    private static ArtifactException unreadable(final PatchFormatException e) {
        return new ArtifactException(LayerReason.INVALID_PATCH, String.valueOf(e.getMessage()));
    }

    /** The signature that was found is remembered, so that a node asks the cluster once. */
    @Override
    public void verify(final Layer layer, final Patch patch) throws IOException, ArtifactException {
        if (trusted.any() && remembered(patch).isEmpty()) {
            requests.get(layer, Requests.Part.SIGNATURES, () -> rememberedOrFound(layer, patch));
        }
    }

    /** The signature that vouched for a patch, if it still does. */
    private Optional<String> remembered(final Patch patch) throws IOException {
        final Optional<String> known = store.signature(patch.digest());
        try {
            return known.isPresent()
                    ? Optional.of(trusted.vouching(patch, List.of(known.get()), Instant.now()))
                    : Optional.empty();
        } catch (final PatchSignatureException e) {
            return Optional.empty();
        }
    }

    private String rememberedOrFound(final Layer layer, final Patch patch) throws IOException, ArtifactException {
        final Optional<String> remembered = remembered(patch);
        return remembered.isPresent() ? remembered.get() : found(layer, patch);
    }

    private String found(final Layer layer, final Patch patch) throws IOException, ArtifactException {
        try {
            final String signature = trusted.vouching(patch, signatures(layer), Instant.now());
            store.putSignature(patch.digest(), signature);
            return signature;
        } catch (final PatchSignatureException e) {
            throw new ArtifactException(
                    LayerReason.UNTRUSTED_PATCH,
                    "patch %s of ViewPatchArtifact %s: %s. Sign it with a key that the agents trust and put the signature into a new artifact"
                            .formatted(layer.digest(), place(layer), e.getMessage()));
        }
    }

    /**
     * The key by whose signature a patch was let in. Its signature was verified then and lies in the agent's own directory; it
     * may have expired since.
     */
    Optional<String> signer(final Digest patch) {
        if (!trusted.any()) {
            return Optional.empty();
        }
        try {
            final Optional<String> signature = store.signature(patch.hex());
            return signature.isEmpty()
                    ? Optional.empty()
                    : Optional.of(PatchSignature.read(signature.get().getBytes(StandardCharsets.UTF_8))
                            .keyId());
        } catch (final IOException e) {
            LOG.warn("who signed {} can not be said", patch, e);
            return Optional.empty();
        }
    }

    /** The threads that a layer is meant for. */
    static ThreadFilter threads(final Layer layer) {
        return new ThreadFilter(layer.threads().namePattern(), share(layer));
    }

    /** What has to move together for it. */
    static Desired.Scope scope(final Layer layer) {
        return layer.quiescence().scope() == QuiescenceScope.PROCESS ? Desired.Scope.PROCESS : Desired.Scope.THREAD;
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
                    LayerReason.ARTIFACT_NOT_FOUND, "there is no ViewPatchArtifact " + place(layer), NOT_FOUND_PAUSE);
        }
        return artifact;
    }

    /** Those of the object, and those that lie beside the patch in a registry. */
    private List<String> signatures(final Layer layer) throws ArtifactException {
        final ViewPatchArtifactSpec spec = artifact(layer).getSpec();
        final OciReference reference = reference(layer, spec);
        return reference == null
                ? spec.signatures()
                : Stream.concat(spec.signatures().stream(), pull(layer, reference).signatures().stream())
                        .toList();
    }

    private byte[] download(final Layer layer) throws ArtifactException {
        final ViewPatchArtifactSpec spec = artifact(layer).getSpec();
        final OciReference reference = reference(layer, spec);
        final byte[] file = reference == null
                ? content(layer, spec)
                : pull(layer, reference).file();
        final Digest digest = Digest.of(file);
        if (!digest.equals(layer.digest())) {
            throw new ArtifactException(
                    LayerReason.DIGEST_MISMATCH,
                    "ViewPatchArtifact %s has a patch with the digest %s, the ViewPatch names %s"
                            .formatted(place(layer), digest, layer.digest()));
        }
        return file;
    }

    private static byte[] content(final Layer layer, final ViewPatchArtifactSpec spec) throws ArtifactException {
        try {
            return spec.file();
        } catch (final IllegalArgumentException e) {
            throw unusable(layer, e);
        }
    }

    private static @Nullable OciReference reference(final Layer layer, final ViewPatchArtifactSpec spec)
            throws ArtifactException {
        try {
            return spec.reference();
        } catch (final IllegalArgumentException e) {
            throw unusable(layer, e);
        }
    }

    private static ArtifactException unusable(final Layer layer, final IllegalArgumentException e) {
        return new ArtifactException(
                LayerReason.INVALID_ARTIFACT,
                "ViewPatchArtifact %s can not be used: %s".formatted(place(layer), e.getMessage()));
    }

    /** A cache that can not be read concerns this layer only. */
    private PulledPatch pull(final Layer layer, final OciReference reference) throws ArtifactException {
        try {
            return registries.get(layer.artifact().namespace(), reference);
        } catch (final RegistryException e) {
            throw new ArtifactException(
                    reason(e.kind()),
                    String.valueOf(e.getMessage()),
                    e.kind() == RegistryException.Kind.PENDING ? PENDING_PAUSE : REGISTRY_PAUSE);
        } catch (final IOException e) {
            throw new ArtifactException(
                    LayerReason.INTERNAL_ERROR,
                    "the node's cache of %s can not be read: %s".formatted(reference, e),
                    REGISTRY_PAUSE);
        }
    }

    private static LayerReason reason(final RegistryException.Kind kind) {
        return switch (kind) {
            case PENDING -> LayerReason.FETCHING_PATCH;
            case UNAVAILABLE -> LayerReason.REGISTRY_UNAVAILABLE;
            case DENIED -> LayerReason.REGISTRY_DENIED;
            case NOT_FOUND -> LayerReason.NOT_IN_REGISTRY;
            case MISMATCH -> LayerReason.DIGEST_MISMATCH;
            case INVALID -> LayerReason.INVALID_ARTIFACT;
            case LOCAL -> LayerReason.INTERNAL_ERROR;
        };
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import land.oras.ArtifactType;
import land.oras.Config;
import land.oras.ContainerRef;
import land.oras.Layer;
import land.oras.Manifest;
import land.oras.Registry;
import land.oras.auth.AuthStore;
import land.oras.auth.AuthStoreAuthenticationProvider;
import land.oras.exception.OrasException;
import org.jspecify.annotations.Nullable;

/**
 * Puts patch files into registries, with the logins of the one who runs it.
 *
 * @param plainHttp whether without TLS
 * @param authority certificates in PEM that count instead of those of public authorities; null for these
 * @param logins a file as "docker login" writes it; null for the usual ones
 */
record RegistryPush(
        boolean plainHttp,
        @Nullable Path authority,
        @Nullable Path logins) {
    private static final String TITLE = "org.opencontainers.image.title";
    private static final String CREATED = "org.opencontainers.image.created";
    /** The same patch is the same artifact, whenever it is pushed. */
    private static final String NO_TIME = "1970-01-01T00:00:00Z";

    /**
     * Puts a patch file and its signatures there.
     *
     * @param target REGISTRY/REPOSITORY, maybe with a tag, by which humans find it there
     * @return the artifact by its digest
     * @throws IOException if a file can not be read, or the registry does not take it
     */
    OciReference push(final String target, final Path file, final List<Path> signatures) throws IOException {
        if (target.contains("@")) {
            throw new IOException(
                    "%s: the digest follows from the file: name REGISTRY/REPOSITORY[:TAG]".formatted(target));
        }
        bound(file, OciPatch.MAX_PATCH);
        for (final Path signature : signatures) {
            bound(signature, OciPatch.MAX_SIGNATURE);
        }
        if (signatures.size() > OciPatch.MAX_SIGNATURES) {
            throw new IOException("at most %d signatures are read".formatted(OciPatch.MAX_SIGNATURES));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            return push(registry(threads), ContainerRef.parse(target), isTagged(target), file, signatures);
        } catch (final OrasException e) {
            throw new IOException("%s: %s".formatted(target, explanation(e)), e);
        } catch (final IllegalArgumentException e) {
            throw new IOException("%s: name REGISTRY/REPOSITORY[:TAG]: %s".formatted(target, e.getMessage()), e);
        }
    }

    private static OciReference push(
            final Registry registry,
            final ContainerRef target,
            final boolean tagged,
            final Path file,
            final List<Path> signatures)
            throws IOException {
        final Config config = registry.pushConfig(target, Config.empty());
        final List<Layer> layers = new ArrayList<>();
        layers.add(layer(registry, target, file, OciPatch.PATCH_MEDIA_TYPE));
        for (final Path signature : signatures) {
            layers.add(layer(registry, target, signature, OciPatch.SIGNATURE_MEDIA_TYPE));
        }
        final Manifest manifest = Manifest.empty()
                .withArtifactType(ArtifactType.from(OciPatch.PATCH_MEDIA_TYPE))
                .withConfig(config)
                .withLayers(layers)
                .withAnnotations(Map.of(CREATED, NO_TIME));
        final Digest digest = Digest.of(manifest.toJson().getBytes(StandardCharsets.UTF_8));
        final String stored = registry.pushManifest(tagged ? target : target.withDigest(digest.value()), manifest)
                .getDescriptor()
                .getDigest();
        if (!digest.value().equals(stored)) {
            throw new IOException("%s: the registry has %s where %s was pushed: was another pushed just now?"
                    .formatted(target, stored, digest));
        }
        return new OciReference(target.getRegistry(), target.getFullRepository(), digest);
    }

    private static Layer layer(
            final Registry registry, final ContainerRef target, final Path file, final String mediaType) {
        final Map<String, String> title =
                Map.of(TITLE, String.valueOf(file.toAbsolutePath().getFileName()));
        return registry.pushBlob(target, file, title).withMediaType(mediaType);
    }

    private Registry registry(final ExecutorService threads) {
        final var logins = this.logins == null ? AuthStore.newStore() : AuthStore.newStore(List.of(this.logins));
        final Registry.Builder builder = Registry.builder()
                .withAuthProvider(new AuthStoreAuthenticationProvider(logins))
                .withExecutorService(threads)
                .withInsecure(plainHttp);
        return (authority == null ? builder : builder.withCaFile(authority)).build();
    }

    private static boolean isTagged(final String target) {
        return target.lastIndexOf(':') > target.lastIndexOf('/');
    }

    private static void bound(final Path file, final int limit) throws IOException {
        final long size = Files.size(file);
        if (size == 0 || size > limit) {
            throw new IOException("%s has %d bytes: agents take at most %d, and not none".formatted(file, size, limit));
        }
    }

    /** The library says only that it failed; its cause says why. */
    private static String explanation(final OrasException e) {
        if (e.getStatusCode() == 401 || e.getStatusCode() == 403) {
            return "the registry answered %d: log in with \"docker login\", or name the file of the login (--registry-config)"
                    .formatted(e.getStatusCode());
        }
        Throwable cause = e;
        while (cause instanceof OrasException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause instanceof OrasException
                ? String.valueOf(e.getMessage())
                : cause.getClass().getSimpleName() + (cause.getMessage() == null ? "" : ": " + cause.getMessage());
    }
}

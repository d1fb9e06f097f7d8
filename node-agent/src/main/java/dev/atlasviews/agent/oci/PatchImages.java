// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The patches that lie in registries: from the node's cache, or from there into the cache. */
public final class PatchImages {
    /** Eight of the largest patches, and many of the usual ones. */
    private static final long CACHE_LIMIT = 128L << 20;
    /** For all requests of one artifact together. */
    private static final Duration FETCH_LIMIT = Duration.ofSeconds(30);

    private final BlobCache cache;
    private final RegistrySettings settings;
    private final Duration limit;

    /**
     * The patches of registries.
     *
     * @param state a directory that survives the program, in which the cache is kept
     * @param settings which registries may be asked, and how
     */
    public PatchImages(final Path state, final RegistrySettings settings) {
        this(new BlobCache(state.resolve("registry-cache"), CACHE_LIMIT), settings, FETCH_LIMIT);
    }

    PatchImages(final BlobCache cache, final RegistrySettings settings, final Duration limit) {
        this.cache = cache;
        this.settings = settings;
        this.limit = limit;
    }

    /** What the node has of an artifact without asking anybody; empty if it lacks a part. */
    public Optional<PulledPatch> cached(final OciReference reference) throws IOException, RegistryException {
        final Optional<byte[]> manifest = cache.get(reference.digest(), PatchManifest.MAX_SIZE);
        if (manifest.isEmpty()) {
            return Optional.empty();
        }
        final PatchManifest parts = PatchManifest.read(reference, manifest.get());
        final Optional<byte[]> file = cached(parts.patch());
        final List<String> signatures = new ArrayList<>();
        for (final PatchManifest.Part part : parts.signatures()) {
            cached(part).ifPresent(content -> signatures.add(text(content)));
        }
        return file.filter(content -> signatures.size() == parts.signatures().size())
                .map(content -> new PulledPatch(content, signatures));
    }

    /**
     * Fetches what the node lacks of an artifact; at most half a minute.
     *
     * @throws RegistryException if it can not be had, whatever the reason
     * @throws InterruptedException if the thread is interrupted meanwhile
     */
    public PulledPatch fetch(final OciReference reference) throws RegistryException, InterruptedException {
        try (RegistryClient client = RegistryClient.of(reference, settings, Deadline.in(limit))) {
            final Optional<byte[]> known = cache.get(reference.digest(), PatchManifest.MAX_SIZE);
            final byte[] manifest = known.isPresent() ? known.get() : client.manifest();
            final PatchManifest parts = PatchManifest.read(reference, manifest);
            final byte[] file = layer(client, parts.patch());
            final List<String> signatures = new ArrayList<>();
            for (final PatchManifest.Part part : parts.signatures()) {
                signatures.add(text(layer(client, part)));
            }
            if (known.isEmpty()) {
                cache.put(manifest);
            }
            return new PulledPatch(file, signatures);
        } catch (final IOException e) {
            throw new RegistryException(
                    Kind.LOCAL,
                    "%s can not be kept in the agent's state directory: %s".formatted(reference, e.getMessage()));
        }
    }

    private byte[] layer(final RegistryClient client, final PatchManifest.Part part)
            throws IOException, RegistryException, InterruptedException {
        final Optional<byte[]> known = cached(part);
        if (known.isPresent()) {
            return known.get();
        }
        final byte[] content = client.layer(part);
        cache.put(content);
        return content;
    }

    private Optional<byte[]> cached(final PatchManifest.Part part) throws IOException {
        return cache.get(part.digest(), part.size());
    }

    private static String text(final byte[] content) {
        return new String(content, StandardCharsets.UTF_8);
    }
}

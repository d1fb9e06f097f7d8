// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.OciReference;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * What the manifest of an artifact says that it holds.
 *
 * @param patch the layer with the patch file
 * @param signatures the layers with signatures of it
 */
record PatchManifest(Part patch, List<Part> signatures) {
    /** The largest manifest, in bytes: one of a patch has a few layers. */
    static final int MAX_SIZE = 64 << 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    PatchManifest {
        signatures = List.copyOf(signatures);
    }

    /**
     * One layer.
     *
     * @param digest of its content
     * @param size in bytes
     */
    record Part(Digest digest, int size) {}

    /**
     * Reads a manifest, which nobody has looked into.
     *
     * @throws RegistryException if it is not that of a patch; the message says why
     */
    static PatchManifest read(final OciReference reference, final byte[] content) throws RegistryException {
        final JsonNode manifest;
        try {
            manifest = JSON.readTree(content);
        } catch (final IOException e) {
            throw invalid(reference, "its manifest is no JSON");
        }
        if (!manifest.path("layers").isArray()) {
            throw invalid(reference, "it is an index or something else without layers, not one artifact");
        }
        final List<Part> patches = new ArrayList<>();
        final List<Part> signatures = new ArrayList<>();
        final List<String> others = new ArrayList<>();
        for (final JsonNode layer : manifest.path("layers")) {
            final String type = layer.path("mediaType").asText();
            switch (type) {
                case OciPatch.PATCH_MEDIA_TYPE -> patches.add(part(reference, layer, OciPatch.MAX_PATCH));
                case OciPatch.SIGNATURE_MEDIA_TYPE -> signatures.add(part(reference, layer, OciPatch.MAX_SIGNATURE));
                default -> others.add(type);
            }
        }
        if (patches.size() != 1) {
            throw invalid(
                    reference,
                    "it has %d layers of the media type %s where it has to have one%s"
                            .formatted(patches.size(), OciPatch.PATCH_MEDIA_TYPE, others(others)));
        }
        if (signatures.size() > OciPatch.MAX_SIGNATURES) {
            throw invalid(reference, "it has more than %d signatures".formatted(OciPatch.MAX_SIGNATURES));
        }
        return new PatchManifest(patches.getFirst(), signatures);
    }

    private static String others(final List<String> types) {
        return types.isEmpty()
                ? ""
                : ", and others: "
                        + String.join(", ", types.subList(0, Math.min(3, types.size())))
                                .replaceAll("[^\\w./+-]", "?");
    }

    private static Part part(final OciReference reference, final JsonNode layer, final int limit)
            throws RegistryException {
        final BigInteger size =
                layer.path("size").isIntegralNumber() ? layer.path("size").bigIntegerValue() : BigInteger.ZERO;
        if (size.compareTo(BigInteger.valueOf(limit)) > 0) {
            throw invalid(reference, "a layer of it has %d bytes, at most %d are taken".formatted(size, limit));
        }
        try {
            if (size.signum() <= 0) {
                throw new IllegalArgumentException("a size of " + size);
            }
            return new Part(new Digest(layer.path("digest").asText()), size.intValueExact());
        } catch (final IllegalArgumentException e) {
            throw invalid(reference, "a layer of it has no proper digest and size");
        }
    }

    private static RegistryException invalid(final OciReference reference, final String why) {
        return new RegistryException(
                Kind.INVALID,
                "%s is no patch: %s. Push the patch file with \"kubectl atlas push\" and name what that prints"
                        .formatted(reference, why));
    }
}

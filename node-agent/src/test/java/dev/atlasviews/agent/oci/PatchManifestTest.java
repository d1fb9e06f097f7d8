// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.OciReference;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is taken from a manifest that anybody may have written. */
final class PatchManifestTest {
    private static final Digest DIGEST = Digest.of(new byte[] {1});
    private static final OciReference REFERENCE = new OciReference("registry.example", "fix", DIGEST);

    @Test
    void oneLayerIsThePatchAndOthersAreSignatures() throws RegistryException {
        final PatchManifest manifest = read(layers(
                layer(OciPatch.PATCH_MEDIA_TYPE, "5"),
                layer(OciPatch.SIGNATURE_MEDIA_TYPE, "7"),
                layer("text/plain", "900000000000")));
        assertThat(manifest.patch()).isEqualTo(new PatchManifest.Part(DIGEST, 5));
        assertThat(manifest.signatures()).containsExactly(new PatchManifest.Part(DIGEST, 7));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{                                             | no JSON",
                "[]                                            | without layers",
                "{\"manifests\": []}                           | an index",
                "{\"layers\": []}                              | 0 layers",
                "{\"layers\": [{\"mediaType\": \"a\\nb\"}]}    | and others: a?b",
                "{\"layers\": [7, null, []]}                   | 0 layers"
            })
    void whatIsNoPatchIsRefused(final String manifest, final String why) {
        assertThat(refusal(manifest))
                .hasMessageContainingAll(REFERENCE.toString(), why, "kubectl atlas push")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(RegistryException.Kind.INVALID));
    }

    @ParameterizedTest
    @CsvSource({
        "0,no proper digest and size",
        "-1,no proper",
        "16777217,16777217 bytes",
        "18446744073709551621,18446744073709551621 bytes",
        "text,no JSON"
    })
    void sizesAreBounded(final String size, final String why) {
        assertThat(refusal(layers(layer(OciPatch.PATCH_MEDIA_TYPE, size)))).hasMessageContaining(why);
    }

    @Test
    void onePatchAndAFewSignaturesAreTaken() throws RegistryException {
        final String patch = layer(OciPatch.PATCH_MEDIA_TYPE, "5");
        final String signature = layer(OciPatch.SIGNATURE_MEDIA_TYPE, "5");
        assertThat(refusal(layers(patch, patch))).hasMessageContaining("2 layers");
        assertThat(refusal(layers(patch, layer(OciPatch.SIGNATURE_MEDIA_TYPE, "4097"))))
                .hasMessageContaining("at most 4096");
        assertThat(read(layers(patch, String.join(",", Collections.nCopies(16, signature))))
                        .signatures())
                .hasSize(16);
        assertThat(refusal(layers(patch, String.join(",", Collections.nCopies(17, signature)))))
                .hasMessageContaining("more than 16 signatures");
    }

    @Test
    void whatIsFetchedMayBeAsLargeAsWhatIsRead() {
        assertThat(OciPatch.MAX_PATCH).isEqualTo(PatchReader.MAX_FILE);
        assertThat(OciPatch.MAX_SIGNATURE).isEqualTo(PatchSignature.MAX_FILE);
    }

    private static PatchManifest read(final String manifest) throws RegistryException {
        return PatchManifest.read(REFERENCE, manifest.getBytes(StandardCharsets.UTF_8));
    }

    private static RegistryException refusal(final String manifest) {
        return catchThrowableOfType(RegistryException.class, () -> read(manifest));
    }

    private static String layers(final String... layers) {
        return "{\"layers\": [%s]}".formatted(String.join(",", layers));
    }

    private static String layer(final String type, final String size) {
        return "{\"mediaType\": \"%s\", \"digest\": \"%s\", \"size\": %s}".formatted(type, DIGEST, size);
    }
}

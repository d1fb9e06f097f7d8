// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.oci.PatchFetches;
import dev.atlasviews.agent.oci.PatchImages;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.crds.Digest;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** By whose signature a patch was taken, as audit records say it. */
final class SignerTest {
    private static final Digest PATCH = Fixtures.digest("a");

    @TempDir
    private Path state;

    @Test
    void itIsTheKeyOfTheSignatureThatWasKept() throws Exception {
        final KeyPair alice = PatchKeys.generate();
        final LayerStore store = new LayerStore(state);
        final TrustedKeys trusted = new TrustedKeys(List.of(alice.getPublic()));
        assertThat(signer(store, trusted)).as("of what was never let in").isEmpty();

        store.putSignature(
                PATCH.hex(),
                new String(
                        PatchSignature.sign(
                                        new Patch(PATCH.hex(), List.of(), List.of()),
                                        alice.getPrivate(),
                                        alice.getPublic(),
                                        null)
                                .toBytes(),
                        StandardCharsets.UTF_8));

        assertThat(signer(store, trusted)).contains(PatchSignature.keyId(alice.getPublic()));
        assertThat(signer(store, TrustedKeys.EVERYBODY))
                .as("where no signature is asked for")
                .isEmpty();
    }

    @Test
    void whatIsNoSignatureNamesNoKey() throws Exception {
        final LayerStore store = new LayerStore(state);
        store.putSignature(PATCH.hex(), "damaged");

        assertThat(signer(store, new TrustedKeys(List.of(PatchKeys.generate().getPublic()))))
                .isEmpty();
    }

    private Optional<String> signer(final LayerStore store, final TrustedKeys trusted) {
        try (KubernetesClient client = new KubernetesClientBuilder()
                .withConfig(
                        new ConfigBuilder().withMasterUrl("https://127.0.0.1:1").build())
                .build()) {
            return new Artifacts(
                            client, store, trusted, new PatchFetches(new PatchImages(state, RegistrySettings.NONE)))
                    .signer(PATCH);
        }
    }
}

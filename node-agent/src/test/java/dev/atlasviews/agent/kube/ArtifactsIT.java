// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static dev.atlasviews.agent.kube.Fixtures.layer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.oci.PatchFetches;
import dev.atlasviews.agent.oci.PatchImages;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchKeys;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchSignature;
import dev.atlasviews.agent.patch.PatchWriter;
import dev.atlasviews.agent.patch.TrustedKeys;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.testing.ApiServer;
import dev.atlasviews.crds.testing.OciRegistry;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent takes from a real API server, and whose patches. */
final class ArtifactsIT {
    private static final String NAMESPACE = "default";

    @TempDir
    private Path servers;

    @TempDir
    private Path state;

    @TempDir
    private Path other;

    @TempDir
    private Path registryFolder;

    @TempDir
    private Path settings;

    @Test
    void onlyWhatATrustedKeySignedIsApplied() throws Exception {
        final KeyPair alice = PatchKeys.generate();
        final KeyPair mallory = PatchKeys.generate();
        final byte[] file = file("server");
        final Patch patch = PatchReader.read(file);
        try (ApiServer server = ApiServer.start(servers);
                KubernetesClient client = server.client()) {
            artifact(client, "unsigned", file);
            artifact(client, "stolen", file, signature(mallory, patch), signature(alice, PatchReader.read(file("x"))));
            artifact(client, "signed", file, signature(mallory, patch), signature(alice, patch));
            final LayerStore store = new LayerStore(state);
            final Artifacts asking =
                    new Artifacts(client, store, new TrustedKeys(List.of(alice.getPublic())), noRegistries());
            final Artifacts trusting = new Artifacts(client, store, TrustedKeys.EVERYBODY, noRegistries());

            assertThatCode(() -> trusting.verify(layer("unsigned", file), patch))
                    .doesNotThrowAnyException();
            assertThat(asking.fetch(layer("unsigned", file)).digest()).isEqualTo(patch.digest());
            assertThat(refusal(asking, layer("unsigned", file), patch))
                    .satisfies(e -> assertThat(e.reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH))
                    .hasMessageContainingAll("sha256:" + patch.digest(), "default/unsigned", "no signature", "Sign it");
            assertThat(refusal(asking, layer("stolen", file), patch))
                    .hasMessageContainingAll("default/stolen", "not trusted", "another patch");
            assertThat(refusal(asking, layer("nowhere", file), patch).reason())
                    .isEqualTo(LayerReason.ARTIFACT_NOT_FOUND);

            assertThatCode(() -> asking.verify(layer("signed", file), patch)).doesNotThrowAnyException();
            // What the node knows it need not ask for, and a key that goes takes its signatures along.
            client.resources(ViewPatchArtifact.class)
                    .inNamespace(NAMESPACE)
                    .withName("signed")
                    .delete();
            assertThatCode(() -> asking.verify(layer("signed", file), patch)).doesNotThrowAnyException();
            final Artifacts strict = new Artifacts(
                    client, store, new TrustedKeys(List.of(PatchKeys.generate().getPublic())), noRegistries());
            assertThat(refusal(strict, layer("unsigned", file), patch).reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH);
        }
    }

    /** From a real registry: in the background, once, with the signatures that lie there, and by its digest only. */
    @Test
    void whatLiesInARegistryIsFetchedOnceAndVerified() throws Exception {
        final KeyPair alice = PatchKeys.generate();
        final byte[] file = file("server");
        final Patch patch = PatchReader.read(file);
        final String reference;
        final LayerStore store = new LayerStore(state);
        try (ApiServer server = ApiServer.start(servers);
                KubernetesClient client = server.client()) {
            try (OciRegistry registry = OciRegistry.startWithPassword(registryFolder)) {
                reference = registry.push(
                        "team/fix",
                        new OciRegistry.Part(OciPatch.PATCH_MEDIA_TYPE, file),
                        new OciRegistry.Part(
                                OciPatch.SIGNATURE_MEDIA_TYPE,
                                signature(alice, patch).getBytes(StandardCharsets.UTF_8)));
                inRegistry(client, "fix", reference);
                inRegistry(client, "nowhere", registry.host() + "/team/fix@" + Digest.of(file("x")));
                assertThatThrownBy(() -> inRegistry(client, "tagged", registry.host() + "/team/fix:latest"))
                        .hasMessageContaining("spec.oci.reference");
                Files.writeString(settings.resolve("hosts"), "http://" + registry.host() + "\n");
                final Artifacts artifacts = artifacts(client, store, alice, registry.login());

                assertThat(failure(artifacts, layer("fix", file)))
                        .hasMessageContaining(reference)
                        .satisfies(e -> assertThat(e.reason()).isEqualTo(LayerReason.FETCHING_PATCH));
                Awaitility.await("the patch has come")
                        .ignoreExceptions()
                        .untilAsserted(() -> assertThat(
                                        artifacts.fetch(layer("fix", file)).digest())
                                .isEqualTo(patch.digest()));
                assertThat(failure(artifacts, layer("fix", file("x"))).reason()).isEqualTo(LayerReason.DIGEST_MISMATCH);
                Awaitility.await("the registry has said that it has none")
                        .untilAsserted(() -> assertThat(failure(artifacts, layer("nowhere", file("x")))
                                        .reason())
                                .isEqualTo(LayerReason.NOT_IN_REGISTRY));
            }
            // An agent that starts anew, without the registry and without what it remembers of patches that it applied.
            final Artifacts later = artifacts(client, new LayerStore(other), alice, settings.resolve("none"));
            assertThat(later.fetch(layer("fix", file)).digest()).isEqualTo(patch.digest());
            assertThatCode(() -> later.verify(layer("fix", file), patch)).doesNotThrowAnyException();
            assertThat(later.signer(layer("fix", file).digest())).contains(PatchSignature.keyId(alice.getPublic()));
            final Artifacts strict = artifacts(client, new LayerStore(other), PatchKeys.generate(), settings);
            assertThat(refusal(strict, layer("fix", file), patch).reason()).isEqualTo(LayerReason.UNTRUSTED_PATCH);
        }
    }

    private Artifacts artifacts(
            final KubernetesClient client, final LayerStore store, final KeyPair trusted, final Path login) {
        return new Artifacts(
                client,
                store,
                new TrustedKeys(List.of(trusted.getPublic())),
                new PatchFetches(new PatchImages(state, new RegistrySettings(settings, login))));
    }

    private PatchFetches noRegistries() {
        return new PatchFetches(new PatchImages(state, RegistrySettings.NONE));
    }

    private static Artifacts.ArtifactException failure(final Artifacts artifacts, final Layer layer) {
        return catchThrowableOfType(Artifacts.ArtifactException.class, () -> artifacts.fetch(layer));
    }

    private static Artifacts.ArtifactException refusal(
            final Artifacts artifacts, final Layer layer, final Patch patch) {
        return catchThrowableOfType(Artifacts.ArtifactException.class, () -> artifacts.verify(layer, patch));
    }

    private static byte[] file(final String program) throws Exception {
        return PatchWriter.write(List.of(), List.of(Fixtures.target("00112233", program)));
    }

    private static String signature(final KeyPair keys, final Patch patch) throws Exception {
        return new String(
                PatchSignature.sign(
                                patch,
                                keys.getPrivate(),
                                keys.getPublic(),
                                Instant.now().plusSeconds(3600))
                        .toBytes(),
                StandardCharsets.UTF_8);
    }

    private static void artifact(
            final KubernetesClient client, final String name, final byte[] file, final String... signatures) {
        create(
                client,
                name,
                new ViewPatchArtifactSpec(null, Base64.getEncoder().encodeToString(file), List.of(signatures)));
    }

    private static void inRegistry(final KubernetesClient client, final String name, final String reference) {
        create(client, name, ViewPatchArtifactSpec.inRegistry(null, reference));
    }

    private static void create(final KubernetesClient client, final String name, final ViewPatchArtifactSpec spec) {
        final var artifact = new ViewPatchArtifact();
        artifact.setMetadata(
                new ObjectMetaBuilder().withNamespace(NAMESPACE).withName(name).build());
        artifact.setSpec(spec);
        client.resource(artifact).create();
    }
}

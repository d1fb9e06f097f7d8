// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.oci.RegistryException.Kind;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciPatch;
import dev.atlasviews.crds.OciReference;
import dev.atlasviews.crds.testing.OciRegistry;
import dev.atlasviews.crds.testing.OciRegistry.Part;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes from a real registry, and what does not. */
final class PatchImagesIT {
    private static final Part PATCH = part(OciPatch.PATCH_MEDIA_TYPE, "new code");
    private static final Part SIGNATURE = part(OciPatch.SIGNATURE_MEDIA_TYPE, "signed");

    @TempDir
    private Path servers;

    @TempDir
    private Path state;

    @TempDir
    private Path settings;

    @Test
    void whatWasFetchedStaysWhenTheRegistryIsGone() throws Exception {
        final OciReference reference;
        final OciReference never;
        try (OciRegistry registry = OciRegistry.start(servers)) {
            reference = OciReference.parse(registry.push("team/fix", PATCH, SIGNATURE));
            never = OciReference.parse(registry.push("team/other", PATCH));
            final PatchImages images = images("http://" + registry.host(), null);
            assertThat(images.cached(reference)).isEmpty();
            assertIsFix(images.fetch(reference));
        }
        final PatchImages later = images("http://" + reference.registry(), null);
        assertThat(later.cached(reference)).hasValueSatisfying(PatchImagesIT::assertIsFix);
        assertThat(failure(later, never))
                .hasMessageContainingAll(reference.registry(), "ConnectException")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
    }

    @Test
    void whatIsDamagedMissingOrNoPatchIsRefused() throws Exception {
        try (OciRegistry registry = OciRegistry.start(servers)) {
            final PatchImages images = images("http://" + registry.host(), null);
            final OciReference other = OciReference.parse(registry.push("team/other", part("text/plain", "x")));
            assertThat(failure(images, other))
                    .hasMessageContaining("others: text/plain")
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));

            final OciReference large = OciReference.parse(
                    registry.push("team/large", new Part(OciPatch.PATCH_MEDIA_TYPE, new byte[OciPatch.MAX_PATCH + 1])));
            assertThat(failure(images, large))
                    .hasMessageContaining("16777217 bytes, at most 16777216")
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));

            final OciReference missing = new OciReference(registry.host(), "team/fix", Digest.of(new byte[] {1}));
            assertThat(failure(images, missing).kind()).isEqualTo(Kind.NOT_FOUND);

            final OciReference fix = OciReference.parse(registry.push("team/fix", PATCH));
            registry.damage(Digest.of(PATCH.content()));
            assertThat(failure(images, fix))
                    .hasMessageContainingAll("repair the registry", fix.toString())
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.MISMATCH));
            assertThat(images.cached(fix)).isEmpty();

            assertThat(failure(images("registry.example", null), fix))
                    .hasMessageContainingAll("may not ask", registry.host(), "patches.registries")
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.DENIED));
        }
    }

    @Test
    void aPasswordOpensWhatIsClosedWithout() throws Exception {
        try (OciRegistry registry = OciRegistry.startWithPassword(servers)) {
            final OciReference reference = OciReference.parse(registry.push("team/fix", PATCH, SIGNATURE));
            final String host = "http://" + registry.host();
            assertThat(failure(images(host, null), reference))
                    .hasMessageContainingAll("401", "without credentials", "patches.registryCredentials")
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.DENIED));
            final Path wrong = Files.writeString(
                    servers.resolve("wrong"), Files.readString(registry.login()).replace("YXRs", "YXRz"));
            assertThat(failure(images(host, wrong), reference))
                    .hasMessageContaining("with the credentials of the agents")
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.DENIED));
            assertIsFix(images(host, registry.login()).fetch(reference));
        }
    }

    @Test
    void aCertificateCountsThatTheChartNames() throws Exception {
        final Path certificate = servers.resolve("certificate.pem");
        try (OciRegistry registry = OciRegistry.startWithTls(servers, certificate)) {
            final OciReference nothing = new OciReference(registry.host(), "team/fix", Digest.of(new byte[] {1}));
            final PatchImages images = images(registry.host(), null);
            Awaitility.await("the registry listens")
                    .atMost(Duration.ofMinutes(1))
                    .untilAsserted(() -> assertThat(failure(images, nothing))
                            .hasMessageContaining("SSLHandshakeException")
                            .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE)));
            Files.copy(certificate, settings.resolve("ca.crt"));
            assertThat(failure(images, nothing).kind()).isEqualTo(Kind.NOT_FOUND);
        }
    }

    private PatchImages images(final String host, final @Nullable Path login) throws Exception {
        Files.writeString(settings.resolve("hosts"), host + "\n");
        return new PatchImages(state, new RegistrySettings(settings, login));
    }

    private static RegistryException failure(final PatchImages images, final OciReference reference) {
        return catchThrowableOfType(RegistryException.class, () -> images.fetch(reference));
    }

    private static void assertIsFix(final PulledPatch patch) {
        assertThat(patch.file()).isEqualTo(PATCH.content());
        assertThat(patch.signatures()).containsExactly("signed");
    }

    private static Part part(final String type, final String content) {
        return new Part(type, content.getBytes(StandardCharsets.UTF_8));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.oci.PatchImages;
import dev.atlasviews.agent.oci.PulledPatch;
import dev.atlasviews.agent.oci.RegistrySettings;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.OciReference;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.testing.OciRegistry;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is pushed to a real registry is what an agent takes from there. */
final class PushIT {
    @TempDir
    private Path folder;

    @TempDir
    private Path server;

    private Path patch;
    private Path signature;

    private record Result(int status, String out, String err) {}

    @BeforeEach
    void write() throws IOException {
        patch = Files.writeString(folder.resolve("fix.atlas"), "new code");
        signature = Files.writeString(folder.resolve("fix.atlas.sig"), "signed");
    }

    @Test
    void anAgentTakesWhatWasPushedByWhatWasPrinted() throws Exception {
        try (OciRegistry registry = OciRegistry.startWithPassword(server)) {
            final String login = "--registry-config=" + registry.login();
            final String target = registry.host() + "/team/fix";
            final Result first =
                    run("push", patch.toString(), target, "--signature", signature.toString(), "--plain-http", login);
            assertThat(first.err()).isEmpty();
            assertThat(first.status()).isZero();
            final ViewPatchArtifact artifact =
                    new KubernetesSerialization().unmarshal(first.out(), ViewPatchArtifact.class);
            assertThat(artifact.getMetadata().getName()).isEqualTo("fix");
            final OciReference reference = requireNonNull(artifact.getSpec().reference());
            assertThat(first.out())
                    .contains("# pushed " + reference)
                    .contains("by its digest: " + Digest.of(Files.readAllBytes(patch)));

            Files.writeString(folder.resolve("hosts"), "http://" + registry.host() + "\n");
            final var images = new PatchImages(folder, new RegistrySettings(folder, registry.login()));
            final PulledPatch pulled = images.fetch(reference);
            assertThat(pulled.file()).isEqualTo(Files.readAllBytes(patch));
            assertThat(pulled.signatures()).containsExactly("signed");

            // The same patch is the same artifact, under a tag too.
            final Result tagged = run(
                    "push",
                    patch.toString(),
                    target + ":v1",
                    "--signature=" + signature,
                    "--plain-http",
                    "--name=other",
                    login);
            assertThat(tagged.out()).contains("# pushed " + reference).contains("name: \"other\"");
        }
    }

    @Test
    void whatCanNotBePushedSaysWhy() throws Exception {
        try (OciRegistry registry = OciRegistry.startWithPassword(server)) {
            final String target = registry.host() + "/team/fix";
            final Path nobody = Files.writeString(folder.resolve("nobody"), "{\"auths\": {}}");
            assertRefused(
                    "docker login", "push", patch.toString(), target, "--plain-http", "--registry-config=" + nobody);
            assertRefused("the digest follows from the file", "push", patch.toString(), target + "@sha256:00");
            assertRefused("--name", "push", patch.toString(), target, "--name=Fix_1");
            final Path empty = Files.createFile(folder.resolve("empty"));
            assertRefused("has 0 bytes", "push", empty.toString(), target, "--plain-http");
            assertRefused("ConnectException", "push", patch.toString(), "127.0.0.1:1/team/fix", "--plain-http");
        }
    }

    private static void assertRefused(final String why, final String... arguments) {
        final Result result = run(arguments);
        assertThat(result.status()).isEqualTo(KubectlAtlas.FAILED);
        assertThat(result.err()).startsWith("error: ").contains(why);
        assertThat(result.out()).isEmpty();
    }

    private static Result run(final String... arguments) {
        final var out = new StringWriter();
        final var err = new StringWriter();
        final List<String> all = new ArrayList<>(List.of(arguments));
        final int status = KubectlAtlas.commandLine(new PrintWriter(out), new PrintWriter(err))
                .execute(all.toArray(String[]::new));
        return new Result(status, out.toString(), err.toString());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the examples show is what the system takes. */
final class ExamplesTest {
    private static final byte[] ELF = {0x7f, 'E', 'L', 'F'};

    private final KubernetesSerialization serialization = new KubernetesSerialization();

    @Test
    void theViewPatchNamesItsArtifactAndItsDigest() throws IOException {
        final String[] documents =
                Files.readString(Path.of("examples/viewpatch.yaml")).split("\n---\n", -1);
        assertThat(documents).hasSize(2);
        final var artifact = serialization.unmarshal(documents[0], ViewPatchArtifact.class);
        final var patch = serialization.unmarshal(documents[1], ViewPatch.class);
        final PatchChange change = patch.getSpec().change().patch();

        assertThat(change.artifactRef().name()).isEqualTo(artifact.getMetadata().getName());
        assertThat(change.digest()).isEqualTo(Digest.of(artifact.getSpec().file()));
        assertThat(artifact.getSpec().file()).startsWith(ELF);
        assertThat(patch.getSpec().threads()).isEqualTo(ThreadSelector.ALL);
        assertThat(patch.getSpec().quiescence()).isEqualTo(Quiescence.DEFAULT);
        assertThat(patch.getSpec().newPods()).isEqualTo(NewPods.APPLY);
    }

    @Test
    void theManualMakesAnArtifactAndAViewPatchThatNamesIt(@TempDir final Path folder) throws Exception {
        final byte[] file = new byte[300];
        final String signature = "{\n  \"format\": 1\n}\n";
        Files.write(folder.resolve("fix.atlas"), file);
        Files.writeString(folder.resolve("fix.atlas.sig"), signature);
        final String manual = Files.readString(Path.of("../docs/patches.md"));
        final String commands =
                found("(?ms)^( {4}cat >artifact.yaml .*?^ {4}END\n)", manual).replaceAll("(?m)^ {4}", "");

        assertThat(new ProcessBuilder("bash", "-c", commands)
                        .directory(folder.toFile())
                        .inheritIO()
                        .start()
                        .waitFor())
                .isZero();

        final var artifact =
                serialization.unmarshal(Files.readString(folder.resolve("artifact.yaml")), ViewPatchArtifact.class);
        final var patch = serialization.unmarshal(
                found("(?s)```yaml\n(apiVersion: \\S+\nkind: ViewPatch\n.*?)```", manual)
                        .replace("sha256:…", Digest.of(file).toString()),
                ViewPatch.class);
        assertThat(artifact.getSpec().file()).isEqualTo(file);
        assertThat(artifact.getSpec().signatures()).isEqualTo(List.of(signature));
        final PatchChange change = patch.getSpec().change().patch();
        assertThat(change.artifactRef().name()).isEqualTo(artifact.getMetadata().getName());
        assertThat(change.digest()).isEqualTo(Digest.of(file));
    }

    private static String found(final String pattern, final String text) {
        final Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).isTrue();
        return matcher.group(1);
    }
}

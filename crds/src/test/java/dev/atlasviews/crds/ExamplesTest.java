// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

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
}

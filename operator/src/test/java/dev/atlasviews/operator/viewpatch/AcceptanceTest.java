// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.patch;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ArtifactReference;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.PatchChange;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchArtifact;
import dev.atlasviews.crds.ViewPatchArtifactSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import org.junit.jupiter.api.Test;

final class AcceptanceTest {
    private static final PatchChange CHANGE = new PatchChange(new ArtifactReference("fix-1"), digest("new code"));

    @Test
    void theFileMustHaveTheDigestThatIsAskedFor() {
        assertThat(Acceptance.check(CHANGE, artifact("new code")).accepted()).isTrue();
        final Acceptance refused = Acceptance.check(CHANGE, artifact("other code"));
        assertThat(refused.accepted()).isFalse();
        assertThat(refused.reason()).isEqualTo("DigestMismatch");
        assertThat(refused.message())
                .contains("fix-1")
                .contains(digest("new code").value())
                .contains(digest("other code").value());
    }

    @Test
    void whatIsMissingOrBrokenIsNamed() {
        assertThat(Acceptance.check(CHANGE, null).reason()).isEqualTo("ArtifactNotFound");
        final var broken = new ViewPatchArtifact();
        broken.setSpec(new ViewPatchArtifactSpec(null, "not base64!"));
        assertThat(Acceptance.check(CHANGE, broken).reason()).isEqualTo("InvalidArtifact");
    }

    @Test
    void whatLiesInARegistryIsAcceptedByItsDigestAlone() {
        final String repository = "registry.example.com/team/fix";
        final var artifact = new ViewPatchArtifact();
        artifact.setSpec(ViewPatchArtifactSpec.inRegistry(null, repository + "@" + digest("manifest")));
        assertThat(Acceptance.check(CHANGE, artifact))
                .satisfies(acceptance -> assertThat(acceptance.accepted()).isTrue())
                .satisfies(acceptance -> assertThat(acceptance.message()).contains(repository));

        artifact.setSpec(ViewPatchArtifactSpec.inRegistry(null, repository + ":v1"));
        final Acceptance byTag = Acceptance.check(CHANGE, artifact);
        assertThat(byTag.reason()).isEqualTo("InvalidArtifact");
        assertThat(byTag.message()).contains("without a tag");
    }

    @Test
    void whatWasAcceptedStaysSoUntilTheSpecificationChanges() {
        final ViewPatch patch = patch("fix", "2026-11-23T20:00:00Z");
        assertThat(Acceptance.before(patch))
                .hasValueSatisfying(
                        acceptance -> assertThat(acceptance.accepted()).isTrue());
        patch.getMetadata().setGeneration(2L);
        assertThat(Acceptance.before(patch)).isEmpty();
    }

    @Test
    void anArtifactThatIsGoneKeepsNoEditFromWhatWasAcceptedBefore() {
        final ViewPatch patch = patch("fix", "2026-11-23T20:00:00Z");
        patch.getMetadata().setGeneration(2L);
        final Acceptance missing = Acceptance.check(patch.getSpec().change().patch(), null);
        assertThat(missing.orBefore(patch)).as("nothing of it was done").isEqualTo(missing);
        begun(patch, digest("other"));
        assertThat(missing.orBefore(patch)).as("another file").isEqualTo(missing);
        begun(patch, digest("fix"));
        assertThat(missing.orBefore(patch))
                .returns(true, Acceptance::accepted)
                .returns("Accepted", Acceptance::reason)
                .satisfies(acceptance -> assertThat(acceptance.message()).contains("does not exist", "before"));
        final var wrong = new Acceptance(false, "DigestMismatch", "another");
        assertThat(wrong.orBefore(patch)).isEqualTo(wrong);
    }

    private static void begun(final ViewPatch patch, final Digest digest) {
        patch.setStatus(new ViewPatchStatus(
                1L,
                patch.getStatus().conditions(),
                null,
                null,
                new RolloutStatus(
                        digest, RolloutPhase.COMPLETE, 1, null, Instant.parse("2026-11-23T22:00:00Z"), null)));
    }

    private static ViewPatchArtifact artifact(final String content) {
        final var artifact = new ViewPatchArtifact();
        artifact.setSpec(new ViewPatchArtifactSpec(
                "a fix", Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8))));
        return artifact;
    }
}

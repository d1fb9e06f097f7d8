// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import static dev.atlasviews.kubectl.Yaml.conditions;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewPatch;
import org.junit.jupiter.api.Test;

/** When "apply" has waited long enough, and for what. */
final class ApplyProgressTest {
    private static final String LACKING =
            conditions(2, "Applied False ArtifactNotFound", "Degraded True ArtifactNotFound");

    @Test
    void thatThereWasNoArtifactBeforeItWasAppliedIsNoVerdict() {
        assertThat(new ApplyProgress(Yaml.patch(LACKING), true).isDecided()).isFalse();
        assertThat(new ApplyProgress(Yaml.patch(LACKING), false).isDecided()).isTrue();
    }

    @Test
    void aLookThatFoundWhatItLookedForIsASuccess() {
        final String observed = conditions(2, "Applied False Observed", "Progressing False Observed");
        final var look = new ApplyProgress(Yaml.patch("mode: Observe", observed), false);
        assertThat(look.isDecided()).isTrue();
        assertThat(look.isSuccess()).isTrue();
        assertThat(new ApplyProgress(Yaml.patch(observed), false).isSuccess()).isFalse();
    }

    @Test
    void whatIsGoneOrAboutToGoIsDecided() {
        final ViewPatch deleted = Yaml.patch(conditions(2, "Applied True Applied"));
        deleted.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        for (final var progress :
                new ApplyProgress[] {new ApplyProgress(null, false), new ApplyProgress(deleted, false)}) {
            assertThat(progress.isDecided()).isTrue();
            assertThat(progress.isSuccess()).isFalse();
            assertThat(progress.text().orElseThrow()).contains("deleted");
        }
    }

    @Test
    void aVerdictOnWhatItWasBeforeDoesNotCount() {
        final var before = new ApplyProgress(Yaml.patch(conditions(1, "Applied True Applied")), false);
        assertThat(before.isDecided()).isFalse();
        assertThat(before.isSuccess()).isFalse();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.layers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.Objects;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PatchesInUseTest {
    private final ViewPatch fix = patch("fix");
    private final ViewPatch other = patch("other");
    private final PatchesInUse inUse = new PatchesInUse();

    @Test
    void oneThatIsDeletedWaitsForAllThatBeganBefore() {
        assertThat(inUse.begin(List.of(fix, other))).isTrue();
        assertThat(inUse.begin(List.of(fix))).isTrue();
        assertThat(inUse.close(fix)).isFalse();
        inUse.end(List.of(fix));
        assertThat(inUse.close(fix)).isFalse();
        inUse.end(List.of(fix, other));
        assertThat(inUse.close(fix)).isTrue();
    }

    @Test
    void nobodyBeginsWithOneThatHasEndedAndTheOthersGoOn() {
        assertThat(inUse.close(fix)).isTrue();
        assertThat(inUse.begin(List.of(other, fix))).isFalse();
        assertThat(inUse.close(other)).as("was not begun either").isTrue();
        assertThat(inUse.begin(List.of(patch("another")))).isTrue();
    }

    @Test
    void oneThatIsGoneFromTheCacheIsNotKeptForEver() {
        assertThat(inUse.close(fix)).isTrue();
        inUse.forget(fix);
        assertThat(inUse.begin(List.of(fix))).as("nothing of it is known").isTrue();
    }

    private static ViewPatch patch(final String name) {
        final ViewPatch patch = Objects.patch(name, "2026-11-23T20:00:00Z");
        patch.getMetadata().setUid(name);
        return patch;
    }
}

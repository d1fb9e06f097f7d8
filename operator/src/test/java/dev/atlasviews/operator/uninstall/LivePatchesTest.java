// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.uninstall;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.Objects;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class LivePatchesTest {
    @Test
    void fiveAreNamedThoseWithTheMostPodsFirstAndTheOthersAreCounted() {
        final List<ViewPatch> seven =
                IntStream.rangeClosed(1, 7).mapToObj(LivePatchesTest::applied).toList();
        assertThat(LivePatches.extents(seven).lines())
                .containsExactly(
                        "  shop/fix-7: applied in 7 of 8 pods, 70 threads moved",
                        "  shop/fix-6: applied in 6 of 8 pods, 60 threads moved",
                        "  shop/fix-5: applied in 5 of 8 pods, 50 threads moved",
                        "  shop/fix-4: applied in 4 of 8 pods, 40 threads moved",
                        "  shop/fix-3: applied in 3 of 8 pods, 30 threads moved",
                        "  and 2 more");
        assertThat(LivePatches.extents(seven.subList(0, 5)).lines()).hasSize(5);
    }

    @Test
    void whatNobodyHasReportedIsNotTakenForUnpatched() {
        final ViewPatch fresh = Objects.patch("fresh", "2026-11-23T20:00:00Z");
        assertThat(Stream.of(LivePatches.extents(List.of(fresh)), LivePatches.holders(List.of(fresh))))
                .containsOnly("  shop/fresh: the operator has said nothing of it yet");
    }

    private static ViewPatch applied(final int pods) {
        final ViewPatch patch = Objects.patch("fix-" + pods, "2026-11-23T20:00:00Z");
        patch.setStatus(new ViewPatchStatus(
                1L,
                List.of(),
                new PodCounts(8, pods, 8 - pods, 0, 0, 0, 0, 0),
                new ThreadCounts(80, 10 * pods, 0),
                null));
        return patch;
    }
}

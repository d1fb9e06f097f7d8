// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static dev.atlasviews.operator.Objects.patch;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class PredecessorsTest {
    private final ViewPatch fix = patch("fix", "2026-11-23T20:00:00Z");
    private final Map<String, ViewPatch> known = new HashMap<>(Map.of("fix", fix));

    @Test
    void oneThatIsNotThereIsWaitedFor() {
        after(fix, "first", "second");
        add("first").setStatus(applied(RolloutPhase.COMPLETE));
        assertThat(missing()).containsExactly("second");
    }

    @Test
    void thoseThatWaitForEachOtherAreToldSo() {
        after(fix, "first");
        after(add("first"), "second", "nobody");
        after(add("second"), "first");
        assertThat(missing()).as("another circle").containsExactly("first");
        final ViewPatch second = add("second");
        after(second, "fix");
        assertThat(missing()).singleElement().asString().startsWith("first (which waits for this one");
        second.setStatus(applied(RolloutPhase.COMPLETE));
        assertThat(missing()).as("it waits no more").containsExactly("first");
        after(fix, "fix");
        assertThat(missing()).singleElement().asString().startsWith("fix (which waits for this one");
    }

    @Test
    void nobodyGoesAfterOneWhoseWordIsOfAnEarlierSpecificationOrWhoGoesOrSoaks() {
        fix.setStatus(applied(RolloutPhase.SOAKING));
        assertThat(Predecessors.isApplied(fix)).isFalse();
        fix.setStatus(applied(RolloutPhase.COMPLETE));
        assertThat(Predecessors.isApplied(fix)).isTrue();
        fix.getMetadata().setGeneration(2L);
        assertThat(Predecessors.isApplied(fix)).isFalse();
        fix.getMetadata().setGeneration(1L);
        fix.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        assertThat(Predecessors.isApplied(fix)).isFalse();
    }

    private ViewPatchStatus applied(final RolloutPhase phase) {
        return new ViewPatchStatus(
                1L,
                List.of(new ConditionBuilder()
                        .withType("Applied")
                        .withStatus("True")
                        .withObservedGeneration(1L)
                        .build()),
                null,
                null,
                new RolloutStatus(
                        fix.getSpec().change().patch().digest(),
                        phase,
                        1,
                        null,
                        Instant.parse("2026-11-23T22:00:00Z"),
                        null));
    }

    private List<String> missing() {
        return new Predecessors(fix, name -> Optional.ofNullable(known.get(name))).missing();
    }

    private ViewPatch add(final String name) {
        final ViewPatch patch = patch(name, "2026-11-23T20:00:00Z");
        // Whatever it is applied with.
        patch.setSpec(fix.getSpec());
        known.put(name, patch);
        return patch;
    }

    private static void after(final ViewPatch patch, final String... names) {
        final ViewPatchSpec spec = patch.getSpec();
        patch.setSpec(new ViewPatchSpec(
                spec.selector(),
                null,
                spec.change(),
                spec.threads(),
                spec.quiescence(),
                spec.newPods(),
                spec.mode(),
                spec.rollout(),
                List.of(names)));
    }
}

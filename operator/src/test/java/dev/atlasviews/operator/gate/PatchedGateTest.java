// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.gate;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.layer;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.report;
import static dev.atlasviews.operator.Objects.spec;
import static dev.atlasviews.operator.Objects.view;
import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.pods.PatchedCondition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class PatchedGateTest {
    private static final Instant NOW = Instant.parse("2026-11-23T23:00:00Z");

    private final Pod pod = pod("redis-0");
    private final ViewPatch fix = patch("fix", "2026-11-23T20:00:00Z");
    private final ViewPatch other = patch("other", "2026-11-23T21:00:00Z");

    @Test
    void aPodThatNoViewPatchIsMeantForServes() {
        assertThat(gate(wanted("containerd://1"), null)).returns(true, PatchedGate::open);
        assertThat(gate(absent(), view(pod, absent(), 1)).reason()).isEqualTo("NoViewPatch");
    }

    @ParameterizedTest
    @EnumSource(LayerState.class)
    void aNewContainerServesOnceTheChangeIsDoneWithIt(final LayerState state) {
        final boolean done = List.of(LayerState.APPLIED, LayerState.NOTHING_TO_DO, LayerState.OBSERVED)
                .contains(state);
        assertThat(gate(wanted("containerd://1", fix), reported(state)).open()).isEqualTo(done);
    }

    @Test
    void itSaysWhichViewPatchItWaitsForAndWhetherSomebodyShouldLook() {
        final PatchedGate early = gate(wanted("containerd://1", fix), null);
        assertThat(early).returns(false, PatchedGate::open).returns("WaitingForNode", PatchedGate::reason);
        assertThat(early.message()).contains("ViewPatch fix");
        assertThat(early.warning()).isFalse();
        final PatchedGate refused = gate(wanted("containerd://1", fix), reported(LayerState.REFUSED));
        assertThat(refused.message()).contains("ViewPatch fix", "because it is so");
        assertThat(refused.warning()).isTrue();
    }

    @Test
    void allOfThemHaveToBeApplied() {
        final PodViewSpec both = wanted("containerd://1", fix, other);
        final PatchedGate one =
                gate(both, reported(both, layer(fix, LayerState.APPLIED, 0), layer(other, LayerState.APPLYING, 0)));
        assertThat(one.open()).isFalse();
        assertThat(one.message()).contains("ViewPatch other");
        final PatchedGate all =
                gate(both, reported(both, layer(fix, LayerState.APPLIED, 0), layer(other, LayerState.APPLIED, 0)));
        assertThat(all).returns(true, PatchedGate::open).returns("Patched", PatchedGate::reason);
        assertThat(all.message()).endsWith("fix, other");
    }

    @Test
    void aContainerThatServedWhenTheChangeCameGoesOn() {
        serves();
        final PodViewSpec both = wanted("containerd://1", fix, other);
        assertThat(gate(wanted("containerd://1", fix), null).reason()).isEqualTo("InService");
        assertThat(gate(both, reported(LayerState.APPLIED)))
                .returns(true, PatchedGate::open)
                .satisfies(gate -> assertThat(gate.message()).contains("ViewPatch fix"));
    }

    @Test
    void aContainerThatEndedOrWasStartedAgainDoesNotServe() {
        serves();
        assertThat(gate(wanted(null, fix), reported(LayerState.APPLIED)).open()).isFalse();
        assertThat(gate(wanted(null, fix), null).open()).isFalse();
        assertThat(gate(wanted("containerd://2", fix), reported(LayerState.APPLIED))
                        .open())
                .isFalse();
    }

    @Test
    void aGateStaysClosedWhileItsContainerIsStillToCome() {
        final PodViewSpec ended = wanted(null, fix);
        condition(gate(ended, reported(LayerState.APPLIED)));
        assertThat(gate(ended, reported(ended)).open()).isFalse();
    }

    @Test
    void aClosedGateStaysClosedThoughTheContainerIsKnown() {
        condition(gate(wanted("containerd://2", fix), reported(LayerState.APPLIED)));
        assertThat(gate(wanted("containerd://1", fix), reported(LayerState.APPLYING))
                        .open())
                .isFalse();
    }

    @Test
    void aViewPatchThatWasChangedAndIsNotAcceptedHoldsNobodyBack() {
        final PodViewSpec before = wanted("containerd://2", fix);
        fix.setSpec(spec(digest("bad"), null, NewPods.APPLY));
        assertThat(gate(before, null).reason()).isEqualTo("NoViewPatch");
    }

    @Test
    void theConditionKeepsTheTimeOfItsLastTransitionAndIsNewsOnlyOnce() {
        final PatchedGate closed = gate(wanted("containerd://1", fix), null);
        assertThat(closed.isNews(pod)).isTrue();
        condition(closed);
        assertThat(closed.isSaid(pod)).isTrue();
        assertThat(closed.isNews(pod)).isFalse();

        final PatchedGate refused = gate(wanted("containerd://1", fix), reported(LayerState.REFUSED));
        assertThat(refused.isSaid(pod)).isFalse();
        assertThat(refused.isNews(pod)).isTrue();
        assertThat(refused.condition(pod, NOW.plusSeconds(9)).getLastTransitionTime())
                .isEqualTo(NOW.toString());
        final PatchedGate open = gate(wanted("containerd://1", fix), reported(LayerState.APPLIED));
        assertThat(open.condition(pod, NOW.plusSeconds(9)))
                .returns("True", PodCondition::getStatus)
                .returns(NOW.plusSeconds(9).toString(), PodCondition::getLastTransitionTime);
        condition(open);
        assertThat(PatchedCondition.of(pod)).isPresent();
        assertThat(new PatchedGate(true, false, "InService", "another").isNews(pod))
                .isFalse();
    }

    private PatchedGate gate(final PodViewSpec wanted, final @Nullable PodView existing) {
        return PatchedGate.of(pod, List.of(other, fix), wanted, existing);
    }

    private void condition(final PatchedGate gate) {
        pod.getStatus().setConditions(List.of(gate.condition(pod, NOW)));
    }

    private void serves() {
        pod.getStatus()
                .setConditions(List.of(new PodConditionBuilder()
                        .withType(Atlas.PATCHED_CONDITION)
                        .withStatus("True")
                        .withReason("NoViewPatch")
                        .withMessage("as before")
                        .build()));
    }

    private PodView reported(final LayerState state) {
        return reported(wanted("containerd://1", fix), layer(fix, state, 0));
    }

    private PodView reported(final PodViewSpec spec, final LayerStatus... layers) {
        final PodView view = view(pod, spec, 1);
        view.setStatus(report(1, layers));
        return view;
    }

    private static PodViewSpec wanted(final @Nullable String container, final ViewPatch... patches) {
        return layers(
                container,
                Arrays.stream(patches)
                        .map(patch -> Layers.wantedBy(patch, NOW, null))
                        .toList());
    }

    private PodViewSpec absent() {
        return layers("containerd://1", List.of(Layers.absent(Layers.wantedBy(fix, NOW, null), null)));
    }

    private static PodViewSpec layers(final @Nullable String container, final List<Layer> layers) {
        return new PodViewSpec("redis-0", "node-1", List.of(new ContainerLayers("redis", container, layers)));
    }
}

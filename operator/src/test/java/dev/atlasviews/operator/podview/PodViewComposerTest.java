// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.podview;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.layer;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.report;
import static dev.atlasviews.operator.Objects.spec;
import static dev.atlasviews.operator.Objects.unreadable;
import static dev.atlasviews.operator.Objects.view;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodBaseline;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.Rollout;
import dev.atlasviews.crds.RolloutFailure;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchSpec;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.rollout.PodHealth;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntryBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class PodViewComposerTest {
    private static final Instant NOW = Instant.parse("2026-11-23T23:00:00Z");

    private final Pod pod = pod("redis-0");
    private final ViewPatch first = patch("z-first", "2026-11-23T20:00:00Z");
    private final ViewPatch second = patch("a-second", "2026-11-23T21:00:00Z");

    @Test
    void layersAreStackedInTheOrderOfTheirCreationThenTheirName() {
        final ViewPatch twin = patch("b-twin", "2026-11-23T21:00:00Z");
        assertThat(names(compose(pod, List.of(twin, second, first), null)))
                .containsExactly("shop/z-first", "shop/a-second", "shop/b-twin");
    }

    @Test
    void theSpecificationNamesPodNodeAndRunningContainer() {
        final PodViewSpec spec = compose(pod, List.of(first), null);
        assertThat(spec.podName()).isEqualTo("redis-0");
        assertThat(spec.nodeName()).isEqualTo("node-1");
        assertThat(spec.containers()).singleElement().satisfies(container -> {
            assertThat(container.name()).isEqualTo("redis");
            assertThat(container.id()).isEqualTo("containerd://1");
            assertThat(container.layers()).containsExactly(wantedBy(first, NOW));
        });
    }

    @Test
    void nothingIsComposedBeforeTheFinalizerIsSet() {
        first.getMetadata().setFinalizers(List.of());
        assertThat(compose(pod, List.of(first), null).containers()).isEmpty();
    }

    @Test
    void nothingIsComposedBeforeTheSpecificationIsAccepted() {
        first.getMetadata().setGeneration(2L);
        assertThat(compose(pod, List.of(first), null).containers()).isEmpty();
    }

    @Test
    void aSpecificationThatIsNotAcceptedLeavesWhatThereIs() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        first.setSpec(spec(digest("bad"), null, NewPods.APPLY));
        first.getMetadata().setGeneration(2L);
        assertThat(compose(pod, List.of(first), existing)).isEqualTo(existing.getSpec());
    }

    @Test
    void oneThatCanNotBeReadLeavesWhatThereIsAndIsTakenBackAllTheSame() {
        final PodView existing = view(pod, compose(pod, List.of(first, second), null), 1);
        final ViewPatch unreadable = unreadable(first);
        assertThat(unreadable.isReadable()).isFalse();
        assertThat(compose(pod, List.of(unreadable, second), existing)).isEqualTo(existing.getSpec());
        assertThat(names(compose(pod, List.of(unreadable, second), null))).containsExactly("shop/a-second");

        unreadable.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        assertThat(desired(compose(pod, List.of(unreadable, second), existing)))
                .containsExactly(DesiredState.ABSENT, DesiredState.PRESENT);
    }

    @Test
    void aNewDigestComesWhileTheOldOneIsTakenBack() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        final var before = wantedBy(first, NOW);
        first.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(compose(pod, List.of(first), existing).containers())
                .singleElement()
                .extracting(ContainerLayers::layers)
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .containsExactlyInAnyOrder(Layers.absent(before, before.origin()), wantedBy(first, NOW));
    }

    @Test
    void thoseThatCameLastHaveNoRoomUntilOthersAreTakenBack() {
        final List<ViewPatch> patches = new ArrayList<>();
        for (int i = 0; i < ContainerLayers.MAX_LAYERS - 1; i++) {
            patches.add(patch("fix-" + i, "2026-11-23T22:00:00Z"));
        }
        final PodView almost = view(pod, compose(pod, patches, null), 1);
        // An older one than all that are there comes last all the same, and of two that come the older one goes first.
        patches.addFirst(second);
        patches.addFirst(first);
        final PodView full = view(pod, compose(pod, patches, almost), 2);
        assertThat(names(full.getSpec()))
                .hasSize(ContainerLayers.MAX_LAYERS)
                .contains("shop/z-first")
                .doesNotContain("shop/a-second");
        assertThat(compose(pod, patches, full)).isEqualTo(full.getSpec());

        final ViewPatch better = patches.getLast();
        better.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(compose(pod, patches, full))
                .as("what it has until there is room for the better one")
                .isEqualTo(full.getSpec());

        patches.remove(first);
        final PodView leaving = view(pod, compose(pod, patches, full), 3);
        assertThat(desired(leaving.getSpec()))
                .hasSize(ContainerLayers.MAX_LAYERS)
                .containsOnlyOnce(DesiredState.ABSENT);
        leaving.setStatus(report(3, layer(first, LayerState.REVERTED, 0)));
        assertThat(names(compose(pod, patches, leaving)))
                .hasSize(ContainerLayers.MAX_LAYERS)
                .contains("shop/a-second")
                .doesNotContain("shop/z-first");
    }

    @Test
    void aLayerOfADeletedPatchIsTakenBackAndTheOthersStay() {
        final PodView existing = view(pod, compose(pod, List.of(first, second), null), 1);
        first.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        assertThat(desired(compose(pod, List.of(first, second), existing)))
                .containsExactly(DesiredState.ABSENT, DesiredState.PRESENT);
        assertThat(desired(compose(pod, List.of(second), existing)))
                .containsExactly(DesiredState.ABSENT, DesiredState.PRESENT);
    }

    @Test
    void aPodThatIsNoLongerSelectedIsTakenBackToo() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        pod.getMetadata().setLabels(Map.of("app", "other"));
        assertThat(desired(compose(pod, List.of(first), existing))).containsExactly(DesiredState.ABSENT);
    }

    @ParameterizedTest
    @EnumSource(LayerState.class)
    void anAbsentLayerStaysListedUntilNoProcessHasIt(final LayerState state) {
        final PodView absent = absent();
        absent.setStatus(report(2, layer(first, state, 0)));
        final boolean gone = EnumSet.of(
                        LayerState.REVERTED, LayerState.NOTHING_TO_DO, LayerState.OBSERVED, LayerState.REFUSED)
                .contains(state);
        assertThat(compose(pod, List.of(), absent).containers().isEmpty()).isEqualTo(gone);
    }

    @Test
    void aReportOnAnEarlierSpecificationConfirmsNothing() {
        final PodView absent = absent();
        absent.setStatus(report(1, layer(first, LayerState.REVERTED, 0)));
        assertThat(compose(pod, List.of(), absent)).isEqualTo(absent.getSpec());
    }

    @Test
    void noProcessMeansThatNoneHasTheLayer() {
        final PodView absent = absent();
        absent.setStatus(report(2));
        assertThat(compose(pod, List.of(), absent).containers()).isEmpty();
    }

    @Test
    void whatAPodHasItHasSinceItGotIt() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        final PodViewSpec later =
                PodViewComposer.compose(pod, List.of(first, second), existing, patch -> true, NOW.plusSeconds(60));
        assertThat(layers(later)).containsExactly(wantedBy(first, NOW), wantedBy(second, NOW.plusSeconds(60)));
    }

    @Test
    void whichVersionAskedForALayerIsSaidAnewOnlyWhereTheLayerIsAnother() {
        first.getMetadata().setManagedFields(List.of(wrote("kubectl", "2026-11-23T20:00:00Z")));
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        assertThat(layers(existing.getSpec()))
                .extracting(Layer::origin)
                .containsExactly(new LayerOrigin("0123456789abcdef", 1, "kubectl"));

        next(2, wrote("helm", "2026-11-23T21:00:00Z"));
        assertThat(compose(pod, List.of(first), existing)).isEqualTo(existing.getSpec());

        first.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(layers(compose(pod, List.of(first), existing)))
                .extracting(Layer::desired, Layer::origin)
                .containsExactlyInAnyOrder(
                        tuple(DesiredState.ABSENT, new LayerOrigin("0123456789abcdef", 2, "helm")),
                        tuple(DesiredState.PRESENT, new LayerOrigin("0123456789abcdef", 2, "helm")));
    }

    @Test
    void whoDeletedAViewPatchIsNotGuessed() {
        first.getMetadata().setManagedFields(List.of(wrote("kubectl", "2026-11-23T20:00:00Z")));
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        final PodViewSpec gone = compose(pod, List.of(), existing);
        assertThat(layers(gone))
                .extracting(Layer::origin)
                .containsExactly(new LayerOrigin("0123456789abcdef", 1, null));

        next(2, wrote("kubectl", "2026-11-23T20:00:00Z"));
        first.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        final PodViewSpec deleted = compose(pod, List.of(first), existing);
        assertThat(layers(deleted))
                .extracting(Layer::origin)
                .containsExactly(new LayerOrigin("0123456789abcdef", 2, null));
        assertThat(compose(pod, List.of(), view(pod, deleted, 2)))
                .as("what is taken back already stays as it was")
                .isEqualTo(deleted);
    }

    @Test
    void programsThatWroteNoSpecificationAskedForNothing() {
        final ManagedFieldsEntry status = wrote("atlas-viewpatch", "2026-11-23T23:00:00Z");
        status.setSubresource("status");
        final ManagedFieldsEntry labels = wrote("labeller", "2026-11-23T23:00:00Z");
        labels.getFieldsV1().setAdditionalProperties(Map.of("f:metadata", Map.of()));
        first.getMetadata().setManagedFields(List.of(status, wrote("kubectl", "2026-11-23T20:00:00Z"), labels));
        assertThat(wantedBy(first, NOW).origin()).isEqualTo(new LayerOrigin("0123456789abcdef", 1, "kubectl"));
    }

    /** Makes it the next version, which is accepted. */
    private void next(final long generation, final ManagedFieldsEntry... managed) {
        first.getMetadata().setGeneration(generation);
        first.getMetadata().setManagedFields(List.of(managed));
        first.setStatus(new ViewPatchStatus(
                generation,
                first.getStatus().conditions().stream()
                        .map(condition -> condition.toBuilder()
                                .withObservedGeneration(generation)
                                .build())
                        .toList(),
                null,
                null,
                null));
    }

    private static ManagedFieldsEntry wrote(final String manager, final String time) {
        return new ManagedFieldsEntryBuilder()
                .withManager(manager)
                .withTime(time)
                .withNewFieldsV1()
                .addToAdditionalProperties("f:spec", Map.of())
                .endFieldsV1()
                .build();
    }

    @Test
    void howAPodWasWhenItGotAChangeStaysSaidWhenItRestarts() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        assertThat(layers(compose(restarted(), List.of(first, second), existing)))
                .extracting(Layer::baseline)
                .containsExactly(new PodBaseline(0, null), new PodBaseline(1, null));
    }

    @Test
    void whenAFailedRolloutIsTriedAnewItCountsHowAPodIsThen() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        final var failed = new RolloutStatus(
                first.getSpec().change().patch().digest(),
                RolloutPhase.FAILED,
                1,
                1,
                NOW,
                new RolloutFailure(1L, "PodsFailed", "pod redis-0: container redis ended"));
        rollout(failed);
        assertThat(layers(compose(restarted(), List.of(first), existing)))
                .extracting(Layer::baseline)
                .containsExactly(new PodBaseline(0, null));
        next(2);
        rollout(failed);
        assertThat(layers(compose(restarted(), List.of(first), existing)))
                .extracting(Layer::baseline)
                .containsExactly(new PodBaseline(1, null));
    }

    private Pod restarted() {
        return new PodBuilder(pod)
                .editStatus()
                .editFirstContainerStatus()
                .withRestartCount(1)
                .endContainerStatus()
                .endStatus()
                .build();
    }

    private void rollout(final RolloutStatus rollout) {
        final ViewPatchStatus status = first.getStatus();
        first.setStatus(new ViewPatchStatus(status.observedGeneration(), status.conditions(), null, null, rollout));
    }

    @Test
    void whatAnEarlierOperatorDidNotSayIsAsItIsNow() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        existing.setSpec(new PodViewSpec(
                "redis-0",
                "node-1",
                List.of(new ContainerLayers("redis", "containerd://1", List.of(Layers.wantedBy(first, NOW, null))))));
        final PodViewSpec later =
                PodViewComposer.compose(pod, List.of(first), existing, patch -> true, NOW.plusSeconds(60));
        assertThat(layers(later)).containsExactly(wantedBy(first, NOW));
    }

    @Test
    void aPodWhoseWaveIsStillToComeKeepsWhatItHas() {
        assertThat(PodViewComposer.compose(pod, List.of(first), null, patch -> false, NOW)
                        .containers())
                .isEmpty();
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        first.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(PodViewComposer.compose(pod, List.of(first), existing, patch -> false, NOW))
                .isEqualTo(existing.getSpec());
    }

    @Test
    void aRolloutThatIsRevertedIsTakenBackAndNotAppliedAnew() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        rollout(new RolloutStatus(
                first.getSpec().change().patch().digest(), RolloutPhase.REVERTED, 1, null, NOW, null));
        assertThat(desired(compose(pod, List.of(first), existing))).containsExactly(DesiredState.ABSENT);
        assertThat(compose(pod, List.of(first), null).containers()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(RolloutPhase.class)
    void aPodThatFailedForGoodKeepsWhatItsRolloutHasStillToSee(final RolloutPhase phase) {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        rollout(new RolloutStatus(first.getSpec().change().patch().digest(), phase, 1, 1, NOW, null));
        pod.getStatus().setPhase("Failed");
        final boolean underWay = phase == RolloutPhase.PROGRESSING || phase == RolloutPhase.SOAKING;
        assertThat(layers(compose(pod, List.of(first, second), existing)))
                .extracting(Layer::name, Layer::desired)
                .containsExactly(tuple("shop/z-first", underWay ? DesiredState.PRESENT : DesiredState.ABSENT));
        first.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        assertThat(desired(compose(pod, List.of(first), existing))).containsExactly(DesiredState.ABSENT);
    }

    @Test
    void aPodThatGoesKeepsWhatItsViewPatchStillWantsAndGetsNothingNew() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        pod.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        pod.getStatus().setContainerStatuses(List.of());
        assertThat(compose(pod, List.of(first, second), existing))
                .as("not even that its containers end is written")
                .isEqualTo(existing.getSpec());
        assertThat(compose(pod, List.of(first), null).containers()).isEmpty();
    }

    @Test
    void whatAPodThatGoesShouldNotHaveAnyMoreIsTakenBack() {
        final PodView existing = view(pod, compose(pod, List.of(first, second), null), 1);
        pod.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        first.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        assertThat(desired(compose(pod, List.of(first, second), existing)))
                .containsExactly(DesiredState.ABSENT, DesiredState.PRESENT);
        rollout(second, RolloutPhase.REVERTED);
        assertThat(desired(compose(pod, List.of(second), existing)))
                .containsExactly(DesiredState.ABSENT, DesiredState.ABSENT);
        rollout(second, RolloutPhase.COMPLETE);
        second.setSpec(spec(digest("better"), null, NewPods.APPLY));
        second.setSpec(observing(second.getSpec()));
        assertThat(desired(compose(pod, List.of(second), existing)))
                .as("a look at the next change")
                .containsExactly(DesiredState.ABSENT, DesiredState.ABSENT);
    }

    @Test
    void aPodThatGoesKeepsItsVersionWhenTheNextOneComes() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        pod.getMetadata().setDeletionTimestamp("2026-11-23T22:00:00Z");
        first.setSpec(spec(digest("better"), null, NewPods.APPLY));
        assertThat(compose(pod, List.of(first), existing)).isEqualTo(existing.getSpec());
        assertThat(PodViewComposer.compose(pod, List.of(first), existing, patch -> false, NOW))
                .as("before its wave")
                .isEqualTo(existing.getSpec());
    }

    private static void rollout(final ViewPatch patch, final RolloutPhase phase) {
        final ViewPatchStatus status = patch.getStatus();
        patch.setStatus(new ViewPatchStatus(
                status.observedGeneration(),
                status.conditions(),
                null,
                null,
                new RolloutStatus(patch.getSpec().change().patch().digest(), phase, 1, null, NOW, null)));
    }

    @Test
    void whatIsOnlyObservedIsNotPresent() {
        final PodView existing = view(pod, compose(pod, List.of(first), null), 1);
        first.setSpec(observing(first.getSpec()));
        assertThat(desired(compose(pod, List.of(first), null))).containsExactly(DesiredState.OBSERVED);
        assertThat(desired(compose(pod, List.of(first), existing))).containsExactly(DesiredState.OBSERVED);
    }

    private static ViewPatchSpec observing(final ViewPatchSpec spec) {
        return new ViewPatchSpec(
                spec.selector(),
                null,
                spec.change(),
                spec.threads(),
                spec.quiescence(),
                spec.newPods(),
                Mode.OBSERVE,
                Rollout.DEFAULT,
                List.of());
    }

    private static PodViewSpec compose(final Pod pod, final List<ViewPatch> patches, final @Nullable PodView existing) {
        return PodViewComposer.compose(pod, patches, existing, patch -> true, NOW);
    }

    private Layer wantedBy(final ViewPatch patch, final Instant releasedAt) {
        return Layers.wantedBy(patch, releasedAt, PodHealth.baseline(pod));
    }

    private static List<Layer> layers(final PodViewSpec spec) {
        return spec.containers().stream()
                .flatMap(container -> container.layers().stream())
                .toList();
    }

    /** The second specification, in which the first patch's layer is to be taken back. */
    private PodView absent() {
        final PodView present = view(pod, compose(pod, List.of(first), null), 1);
        return view(pod, compose(pod, List.of(), present), 2);
    }

    private static List<String> names(final PodViewSpec spec) {
        return spec.containers().stream()
                .flatMap(container -> container.layers().stream())
                .map(layer -> layer.name())
                .toList();
    }

    private static List<DesiredState> desired(final PodViewSpec spec) {
        return spec.containers().stream()
                .flatMap(container -> container.layers().stream())
                .map(layer -> layer.desired())
                .toList();
    }
}

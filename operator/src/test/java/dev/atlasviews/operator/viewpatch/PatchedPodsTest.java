// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import static dev.atlasviews.operator.Objects.digest;
import static dev.atlasviews.operator.Objects.patch;
import static dev.atlasviews.operator.Objects.pod;
import static dev.atlasviews.operator.Objects.reported;
import static dev.atlasviews.operator.Objects.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.NewPods;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import dev.atlasviews.operator.rollout.Situation;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.javaoperatorsdk.operator.api.reconciler.ResourceCache;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which pods a rollout goes by. */
final class PatchedPodsTest {
    private final ViewPatch fix = patch("fix", "2026-11-23T20:00:00Z");
    private final Pod redis = pod("redis-0");
    private final Pod backup = new PodBuilder(pod("backup-0"))
            .editSpec()
            .editContainer(0)
            .withName("backup")
            .endContainer()
            .endSpec()
            .build();

    private record Memory<R extends HasMetadata>(List<R> objects) implements ResourceCache<R> {
        @Override
        public Stream<R> list(final String namespace, final Predicate<R> predicate) {
            return list(predicate)
                    .filter(object -> namespace.equals(object.getMetadata().getNamespace()));
        }

        @Override
        public Stream<R> list(final Predicate<R> predicate) {
            return objects.stream().filter(predicate);
        }

        @Override
        public Optional<R> get(final ResourceID id) {
            return list(object -> ResourceID.fromResource(object).equals(id)).findFirst();
        }

        @Override
        public boolean contains(final ResourceID id) {
            return get(id).isPresent();
        }

        @Override
        public Stream<ResourceID> keys() {
            return objects.stream().map(ResourceID::fromResource);
        }
    }

    @Test
    void aPodWithoutTheContainerKeepsNoWaveFromItsEndAndIsNamed() {
        fix.setSpec(spec(digest("fix"), "redis", NewPods.APPLY));
        final PatchedPods pods = of(List.of(reported(redis, fix, LayerState.APPLIED)));

        assertThat(pods.meant()).containsExactly(redis);
        final var situation = pods.situation(List.of());
        assertThat(List.of(situation.selected(), situation.released(), situation.settled()))
                .containsExactly(1, 1, 1);
        assertThat(pods.outcomes(pod -> true))
                .filteredOn(outcome -> outcome.pod().equals("backup-0"))
                .extracting(PodOutcome::reason)
                .containsExactly("NoContainer");
    }

    @Test
    void podsThatAChangeIsStillBeingTakenFromAreTold() {
        final PodView leaving = leaving(redis, LayerState.REVERTING);
        assertThat(of(List.of(leaving)).outcomes(pod -> false))
                .as("not allowed any more")
                .filteredOn(outcome -> outcome.pod().equals("redis-0"))
                .extracting(PodOutcome::outcome, PodOutcome::message)
                .containsExactly(tuple(
                        Outcome.PROGRESSING,
                        "pod redis-0 on node node-1: /usr/bin/redis-server (pid 42): because it is so"));

        redis.getMetadata().setLabels(Map.of("app", "other"));
        assertThat(of(List.of(leaving)).outcomes(pod -> true))
                .as("not selected any more")
                .extracting(PodOutcome::pod)
                .containsExactlyInAnyOrder("redis-0", "backup-0");
        redis.getStatus().setPhase("Succeeded");
        assertThat(of(List.of(leaving)).outcomes(pod -> true))
                .extracting(PodOutcome::pod)
                .containsExactly("backup-0");
    }

    @Test
    void podsThatComeLaterKeepNoWaveOfAllPodsFromItsEndAndOnesThatWaitDo() {
        backup.getMetadata().setCreationTimestamp("2026-11-23T22:00:01Z");
        final var views = List.of(reported(redis, fix, LayerState.APPLIED), reported(backup, fix, LayerState.APPLYING));
        fix.setStatus(applied(RolloutPhase.SOAKING));
        assertThat(of(views).situation(List.of()))
                .returns(1, Situation::selected)
                .returns(1, Situation::released)
                .returns(1, Situation::settled);

        redis.getMetadata().setCreationTimestamp("2026-11-23T22:00:01Z");
        assertThat(of(views).situation(List.of())).as("all came later").returns(2, Situation::selected);
        redis.getMetadata().setCreationTimestamp("2026-11-23T20:00:00Z");
        fix.setStatus(applied(RolloutPhase.COMPLETE));
        assertThat(of(views).situation(List.of())).returns(2, Situation::selected);
    }

    @Test
    void whereNoContainerIsNamedAllAreMeant() {
        assertThat(of(List.of()).meant()).containsExactly(redis, backup);
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

    private PodView leaving(final Pod pod, final LayerState state) {
        final PodView view = reported(pod, fix, state);
        final var spec = view.getSpec();
        view.setSpec(new PodViewSpec(
                spec.podName(),
                spec.nodeName(),
                spec.containers().stream()
                        .map(container -> new ContainerLayers(
                                container.name(),
                                container.id(),
                                container.layers().stream()
                                        .map(layer -> Layers.absent(layer, null))
                                        .toList()))
                        .toList()));
        return view;
    }

    private PatchedPods of(final List<PodView> views) {
        return new PatchedPods(fix, new Memory<>(List.of(redis, backup)), new Memory<>(views), NodeStates.ALL_READY);
    }
}

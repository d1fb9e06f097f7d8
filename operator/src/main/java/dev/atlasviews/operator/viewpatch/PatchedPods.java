// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.rollout.PodHealth;
import dev.atlasviews.operator.rollout.Situation;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.reconciler.ResourceCache;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The pods of a ViewPatch with their PodViews, at one instant. */
final class PatchedPods {
    private final ViewPatch patch;
    private final NodeStates nodes;
    private final Map<String, PodView> views;
    private final List<Pod> all;
    private final List<Pod> selected;
    private final List<Pod> meant;

    PatchedPods(
            final ViewPatch patch,
            final ResourceCache<Pod> pods,
            final ResourceCache<PodView> views,
            final NodeStates nodes) {
        final String namespace = patch.getMetadata().getNamespace();
        this.patch = patch;
        this.nodes = nodes;
        this.views = views.list(namespace, view -> true)
                .collect(Collectors.toMap(view -> view.getMetadata().getName(), Function.identity()));
        this.all = pods.list(namespace, pod -> true).toList();
        this.selected =
                all.stream().filter(pod -> PodSelection.selects(patch, pod)).toList();
        this.meant = selected.stream()
                .filter(pod -> PodSelection.isMeant(patch, pod))
                .toList();
    }

    /** Those of the selected pods that can have the change. */
    List<Pod> meant() {
        return meant;
    }

    /** Whether a pod has the change, or is about to get it. */
    boolean has(final Pod pod) {
        return layer(pod).isPresent();
    }

    /** What became of the change in each pod that is selected, and in each that it is still being taken from. */
    List<PodOutcome> outcomes(final Predicate<Pod> released) {
        return Stream.concat(
                        selected.stream().map(pod -> outcome(pod, released.test(pod))),
                        all.stream()
                                .filter(pod -> !PodSelection.selects(patch, pod) && PodSelection.mayHaveProcesses(pod))
                                .flatMap(pod -> takenFrom(pod).stream())
                                .map(view -> PodOutcome.reverting(patch, view, nodes)))
                .toList();
    }

    private PodOutcome outcome(final Pod pod, final boolean released) {
        final PodOutcome outcome = PodOutcome.applying(patch, pod, view(pod), released, nodes);
        final boolean mayBeAll = outcome.outcome().isSettled() || outcome.outcome() == Outcome.WAITING;
        return mayBeAll
                ? takenFrom(pod)
                        .map(view -> PodOutcome.reverting(patch, view, nodes))
                        .orElse(outcome)
                : outcome;
    }

    /** The PodView of a pod that a layer of the ViewPatch is being taken back from. */
    private Optional<PodView> takenFrom(final Pod pod) {
        return Optional.ofNullable(view(pod)).filter(view -> Layers.isTakenBack(patch, view));
    }

    /** What its rollout goes by. Pods that failed for good are not selected any more, and count all the same. */
    Situation situation(final List<String> predecessors) {
        final List<Pod> wave = wave();
        final List<Outcome> having = wave.stream()
                .filter(this::has)
                .map(pod ->
                        PodOutcome.applying(patch, pod, view(pod), true, nodes).outcome())
                .toList();
        return new Situation(
                wave.size(),
                having.size(),
                (int) having.stream().filter(Outcome::isSettled).count(),
                (int) having.stream()
                        .filter(outcome -> outcome == Outcome.APPLIED)
                        .count(),
                all.stream().map(this::failure).flatMap(Optional::stream).toList(),
                predecessors);
    }

    /**
     * The pods that the current wave has to do with. Pods that come while one of all pods lasts have the change at once, and if
     * they kept it from its end it would have none where pods come and go.
     */
    private List<Pod> wave() {
        final Optional<Instant> since = CurrentRollout.of(patch)
                .filter(rollout -> rollout.released() == null)
                .filter(rollout ->
                        rollout.phase() == RolloutPhase.PROGRESSING || rollout.phase() == RolloutPhase.SOAKING)
                .map(RolloutStatus::since);
        final List<Pod> early = since.map(begin -> meant.stream()
                        .filter(pod -> !Instant.parse(pod.getMetadata().getCreationTimestamp())
                                .isAfter(begin))
                        .toList())
                .orElse(meant);
        return early.isEmpty() ? meant : early;
    }

    private Optional<String> failure(final Pod pod) {
        return layer(pod)
                .flatMap(layer -> Optional.ofNullable(layer.baseline()))
                .flatMap(baseline -> PodHealth.failure(pod, baseline));
    }

    private Optional<Layer> layer(final Pod pod) {
        return Optional.ofNullable(view(pod)).flatMap(view -> Layers.wanted(patch, view));
    }

    private @Nullable PodView view(final Pod pod) {
        return views.get(pod.getMetadata().getUid());
    }
}

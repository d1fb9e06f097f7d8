// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.PodOutcome;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.rollout.PodHealth;
import dev.atlasviews.operator.rollout.Situation;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.reconciler.ResourceCache;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
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

    /** What became of the change in each pod that is selected. */
    List<PodOutcome> outcomes(final Predicate<Pod> released) {
        return selected.stream()
                .map(pod -> PodOutcome.applying(patch, pod, view(pod), released.test(pod), nodes))
                .toList();
    }

    /** What its rollout goes by. Pods that failed for good are not selected any more, and count all the same. */
    Situation situation(final List<String> predecessors) {
        final List<Pod> having = meant.stream().filter(this::has).toList();
        return new Situation(
                meant.size(),
                having.size(),
                (int) having.stream()
                        .map(pod -> PodOutcome.applying(patch, pod, view(pod), true, nodes))
                        .filter(outcome -> outcome.outcome().isSettled())
                        .count(),
                all.stream().map(this::failure).flatMap(Optional::stream).toList(),
                predecessors);
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

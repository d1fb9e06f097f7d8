// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.podview;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.CurrentRollout;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.PodBaseline;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.layers.Origins;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.rollout.PodHealth;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Composes the layers that the threads of one pod should have. What counts is what there is: the pod, the ViewPatches, and
 * the PodView with what its agent reported; nothing is remembered between two calls.
 */
final class PodViewComposer {
    /** A layer comes above those that were created before it. */
    private static final Comparator<Layer> STACK_ORDER = Comparator.comparing(Layer::createdAt)
            .thenComparing(Layer::name)
            .thenComparing(layer -> layer.digest().value());

    /** The states in which no thread of a process has a layer. */
    private static final Set<LayerState> WITHOUT_LAYER =
            EnumSet.of(LayerState.NOTHING_TO_DO, LayerState.OBSERVED, LayerState.REFUSED, LayerState.REVERTED);

    private final Pod pod;
    private final Collection<ViewPatch> patches;
    private final @Nullable PodView existing;
    private final Predicate<ViewPatch> released;
    private final Instant now;

    private PodViewComposer(
            final Pod pod,
            final Collection<ViewPatch> patches,
            final @Nullable PodView existing,
            final Predicate<ViewPatch> released,
            final Instant now) {
        this.pod = pod;
        this.patches = patches;
        this.existing = existing;
        this.released = released;
        this.now = now;
    }

    /**
     * Composes a pod's layers.
     *
     * @param pod a pod that is on a node, and may be about to go
     * @param patches the ViewPatches of its namespace
     * @param existing its PodView, if it has one
     * @param released whether the rollout of a ViewPatch has come to this pod
     * @param now the time, for layers that are new
     * @return the specification; without containers if nothing is wanted and nothing is left to be taken back
     */
    static PodViewSpec compose(
            final Pod pod,
            final Collection<ViewPatch> patches,
            final @Nullable PodView existing,
            final Predicate<ViewPatch> released,
            final Instant now) {
        return new PodViewComposer(pod, patches, existing, released, now.truncatedTo(ChronoUnit.SECONDS)).compose();
    }

    private PodViewSpec compose() {
        final Set<String> names = new TreeSet<>();
        patches.stream()
                .filter(this::concerns)
                .flatMap(patch -> PodSelection.containers(patch, pod))
                .forEach(names::add);
        existingContainers().map(ContainerLayers::name).forEach(names::add);

        final List<ContainerLayers> containers = names.stream()
                .map(name -> new ContainerLayers(name, id(name), layers(name)))
                .filter(container -> !container.layers().isEmpty())
                .toList();
        return new PodViewSpec(pod.getMetadata().getName(), pod.getSpec().getNodeName(), containers);
    }

    /** The containers of a pod that is being deleted only end, and that is no reason to write its PodView once more. */
    private @Nullable String id(final String container) {
        return (isGoing()
                        ? existingContainers()
                                .filter(candidate -> candidate.name().equals(container))
                                .flatMap(candidate -> Stream.ofNullable(candidate.id()))
                                .findFirst()
                        : PodSelection.runningId(pod, container))
                .orElse(null);
    }

    /**
     * A pod that is being deleted keeps what it has while it still runs. One that failed for good keeps it until the
     * rollout, which finds by that who had the change, has seen it.
     */
    private boolean concerns(final ViewPatch patch) {
        return patch.getMetadata().getDeletionTimestamp() == null
                && (PodSelection.selects(patch, pod)
                        || (PodSelection.matches(patch, pod) && (isGoing() || (hasFailed() && isUnderWay(patch)))));
    }

    private boolean isGoing() {
        return pod.getMetadata().getDeletionTimestamp() != null;
    }

    private boolean hasFailed() {
        return pod.getStatus() != null && "Failed".equals(pod.getStatus().getPhase());
    }

    private static boolean isUnderWay(final ViewPatch patch) {
        return CurrentRollout.of(patch)
                .filter(rollout ->
                        rollout.phase() == RolloutPhase.PROGRESSING || rollout.phase() == RolloutPhase.SOAKING)
                .isPresent();
    }

    private List<Layer> layers(final String container) {
        final List<Layer> before = existingContainers()
                .filter(candidate -> candidate.name().equals(container))
                .flatMap(candidate -> candidate.layers().stream())
                .toList();
        final List<ViewPatch> concerned = patches.stream()
                .filter(this::concerns)
                .filter(patch -> PodSelection.containers(patch, pod).anyMatch(container::equals))
                .toList();
        final List<Layer> wanted =
                concerned.stream().flatMap(patch -> layersOf(patch, before)).toList();
        final List<Layer> taken = before.stream()
                .filter(layer -> isAmong(wanted, layer) || !isConfirmedGone(container, layer))
                .toList();
        // Those that come last have no room. What has another one now keeps that until there is.
        final Set<Layer> without = wanted.stream()
                .filter(layer -> !isAmong(taken, layer))
                .sorted(STACK_ORDER)
                .skip(Math.max(0, ContainerLayers.MAX_LAYERS - taken.size()))
                .collect(Collectors.toSet());
        final List<Layer> result = new ArrayList<>();
        concerned.stream()
                .flatMap(patch -> layersOf(patch, before)
                        .flatMap(layer -> without.contains(layer) ? asBefore(patch, before) : Stream.of(layer)))
                .forEach(result::add);
        taken.stream()
                .filter(layer -> !isAmong(result, layer))
                .map(this::absent)
                .forEach(result::add);
        result.sort(STACK_ORDER);
        return result;
    }

    private static boolean isAmong(final List<Layer> layers, final Layer layer) {
        return layers.stream().anyMatch(other -> Layers.isSame(layer, other));
    }

    /** What is being taken back already stays as it was, and so does what a ViewPatch asked for that can not be read now. */
    private Layer absent(final Layer layer) {
        final Optional<ViewPatch> patch = patches.stream()
                .filter(candidate -> Layers.nameOf(candidate).equals(layer.name()))
                .findFirst();
        if (layer.desired() == DesiredState.ABSENT
                || patch.filter(found ->
                                !found.isReadable() && found.getMetadata().getDeletionTimestamp() == null)
                        .isPresent()) {
            return layer;
        }
        return Layers.absent(layer, patch.map(Origins::of).orElseGet(() -> Origins.ofGone(layer.origin())));
    }

    /** A ViewPatch that cannot be acted on as it is now, or whose wave is still to come, leaves things as they are. */
    private Stream<Layer> layersOf(final ViewPatch patch, final List<Layer> before) {
        if (Layers.isEffective(patch)) {
            if (isTakenBack(patch)) {
                return Stream.empty();
            }
            if (released.test(patch)) {
                final Layer layer = Layers.wantedBy(patch, now, PodHealth.baseline(pod));
                return before.stream()
                        .filter(old -> Layers.isSame(old, layer) && old.desired() == layer.desired())
                        .findFirst()
                        .map(old -> releasedBefore(patch, layer, old))
                        .map(Stream::of)
                        .orElseGet(() -> releasedNow(patch, layer, before));
            }
        }
        return asBefore(patch, before);
    }

    /** Nothing new for a pod that ends: one that is being deleted runs until then with the version that it has. */
    private Stream<Layer> releasedNow(final ViewPatch patch, final Layer layer, final List<Layer> before) {
        if (!isGoing() && !hasFailed()) {
            return Stream.of(layer);
        }
        return isGoing()
                        && layer.desired() == DesiredState.PRESENT
                        && before.stream().noneMatch(old -> Layers.isSame(old, layer))
                ? asBefore(patch, before)
                : Stream.empty();
    }

    private static Stream<Layer> asBefore(final ViewPatch patch, final List<Layer> before) {
        final String name = Layers.nameOf(patch);
        return before.stream()
                .filter(layer -> layer.name().equals(name))
                .filter(layer -> layer.desired() != DesiredState.ABSENT);
    }

    /**
     * What an earlier operator did not say is as it is now. A new version of the ViewPatch that wants the same of the layer is
     * no reason to write every PodView anew.
     */
    private static Layer releasedBefore(final ViewPatch patch, final Layer layer, final Layer old) {
        final PodBaseline baseline = Objects.requireNonNull(layer.baseline());
        final Layer next = Layers.wantedBy(
                patch,
                Objects.requireNonNullElse(old.releasedAt(), Objects.requireNonNull(layer.releasedAt())),
                CurrentRollout.isTriedAnew(patch) ? baseline : Objects.requireNonNullElse(old.baseline(), baseline));
        return Layers.with(next, old.origin()).equals(old) ? old : next;
    }

    /** After a failure, if that is what its rollout asks for. */
    private static boolean isTakenBack(final ViewPatch patch) {
        return CurrentRollout.of(patch)
                .filter(rollout -> rollout.phase() == RolloutPhase.REVERTED)
                .isPresent();
    }

    /** Only a report on the very specification that asked for it confirms that a layer is gone. */
    private boolean isConfirmedGone(final String container, final Layer layer) {
        if (existing == null || existing.getStatus() == null || layer.desired() != DesiredState.ABSENT) {
            return false;
        }
        return existing.getStatus()
                        .observedGeneration()
                        .equals(existing.getMetadata().getGeneration())
                && existing.getStatus().processes().stream()
                        .filter(process -> process.container().equals(container))
                        .flatMap(process -> process.layers().stream())
                        .filter(status -> status.name().equals(layer.name())
                                && status.digest().equals(layer.digest()))
                        .allMatch(status -> WITHOUT_LAYER.contains(status.state()));
    }

    private Stream<ContainerLayers> existingContainers() {
        return existing == null ? Stream.empty() : existing.getSpec().containers().stream();
    }
}

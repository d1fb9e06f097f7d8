// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.layers;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import dev.atlasviews.crds.LayerOrigin;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.PodBaseline;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ViewPatch;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The layers that ViewPatches stand for. */
public final class Layers {
    private Layers() {}

    /** The name of a ViewPatch's layers: its namespace and name. */
    public static String nameOf(final ViewPatch patch) {
        return patch.getMetadata().getNamespace() + "/" + patch.getMetadata().getName();
    }

    /**
     * Whether a PodView names a layer of a ViewPatch, as wanted or as still to be taken back.
     *
     * @param view the PodView
     * @param patch the ViewPatch
     * @return whether one of its containers has a layer of that name
     */
    public static boolean lists(final PodView view, final ViewPatch patch) {
        final String name = nameOf(patch);
        return of(view).anyMatch(layer -> layer.name().equals(name));
    }

    /**
     * Whether a layer of a ViewPatch is being taken back from a pod.
     *
     * @param patch the ViewPatch
     * @param view the pod's PodView
     * @return whether one of its containers has such a layer that is to be absent
     */
    public static boolean isTakenBack(final ViewPatch patch, final PodView view) {
        return takenBack(patch, view).findAny().isPresent();
    }

    /** The layers of a ViewPatch that are being taken back from a pod. */
    public static Stream<Layer> takenBack(final ViewPatch patch, final PodView view) {
        final String name = nameOf(patch);
        return of(view).filter(layer -> layer.name().equals(name) && layer.desired() == DesiredState.ABSENT);
    }

    /** The layers of all containers of a pod, as far as they can be read. */
    public static Stream<Layer> of(final PodView view) {
        return view.isReadable() ? of(view.getSpec()) : Stream.empty();
    }

    private static Stream<Layer> of(final PodViewSpec spec) {
        return spec.containers().stream().flatMap(container -> container.layers().stream());
    }

    /**
     * The layer of the change that a ViewPatch asks for now, if the pod should have it.
     *
     * @param patch the ViewPatch
     * @param view the pod's PodView
     * @return the layer; empty where it is not listed, or listed as to be taken back
     */
    public static Optional<Layer> wanted(final ViewPatch patch, final PodView view) {
        return view.isReadable() ? wanted(patch, view.getSpec()) : Optional.empty();
    }

    /**
     * The same of a PodView's specification.
     *
     * @param patch the ViewPatch
     * @param spec the specification
     * @return the layer; empty where it is not listed, or listed as to be taken back
     */
    public static Optional<Layer> wanted(final ViewPatch patch, final PodViewSpec spec) {
        return wanted(patch, of(spec));
    }

    private static Optional<Layer> wanted(final ViewPatch patch, final Stream<Layer> layers) {
        if (!patch.isReadable()) {
            return Optional.empty();
        }
        final String name = nameOf(patch);
        final Digest digest = patch.getSpec().change().patch().digest();
        final DesiredState desired = desired(patch);
        return layers.filter(layer ->
                        layer.name().equals(name) && layer.digest().equals(digest) && layer.desired() == desired)
                .findFirst();
    }

    /**
     * Whether a container has no room for the layer that a ViewPatch asks for, and will have none by itself.
     *
     * @param patch the ViewPatch
     * @param container the container with its layers
     * @return whether it has as many as it may have, none of which is that one, or is being taken back
     */
    public static boolean isFullFor(final ViewPatch patch, final ContainerLayers container) {
        return container.layers().size() >= ContainerLayers.MAX_LAYERS
                && container.layers().stream().noneMatch(layer -> layer.desired() == DesiredState.ABSENT)
                && wanted(patch, container.layers().stream()).isEmpty();
    }

    private static DesiredState desired(final ViewPatch patch) {
        return patch.getSpec().mode() == Mode.OBSERVE ? DesiredState.OBSERVED : DesiredState.PRESENT;
    }

    /**
     * Whether a ViewPatch may have an effect: it can be read, has been accepted as it is now, and cannot go without being taken
     * back.
     */
    public static boolean isEffective(final ViewPatch patch) {
        return patch.isReadable()
                && Objects.requireNonNullElse(patch.getMetadata().getFinalizers(), List.<String>of())
                        .contains(Atlas.REVERT_FINALIZER)
                && patch.getStatus() != null
                && patch.getStatus().conditions().stream()
                        .anyMatch(condition -> condition.getType().equals(ConditionType.ACCEPTED.value())
                                && condition.getStatus().equals("True")
                                && Objects.equals(
                                        condition.getObservedGeneration(),
                                        patch.getMetadata().getGeneration()));
    }

    /**
     * The layer that a ViewPatch asks for.
     *
     * @param patch the ViewPatch
     * @param releasedAt when the pod was first to have it
     * @param baseline how the pod was then; null if nobody knows
     * @return the layer
     */
    public static Layer wantedBy(
            final ViewPatch patch, final Instant releasedAt, final @Nullable PodBaseline baseline) {
        final var change = patch.getSpec().change().patch();
        return new Layer(
                nameOf(patch),
                change.digest(),
                new LayerArtifact(
                        patch.getMetadata().getNamespace(), change.artifactRef().name()),
                Instant.parse(patch.getMetadata().getCreationTimestamp()),
                Origins.of(patch),
                releasedAt,
                baseline,
                desired(patch),
                patch.getSpec().threads(),
                patch.getSpec().quiescence());
    }

    /**
     * The same layer, to be taken back.
     *
     * @param layer the layer
     * @param origin by which version of its ViewPatch it is to be; null if nobody knows
     * @return the layer
     */
    public static Layer absent(final Layer layer, final @Nullable LayerOrigin origin) {
        return with(layer, origin, DesiredState.ABSENT);
    }

    /** A PodView's layers in a line of the log: of each container which, and whether they are to be there. */
    public static String brief(final PodViewSpec spec) {
        return spec.containers().stream()
                .map(container -> container.layers().stream()
                        .map(layer -> "%s@%.12s %s"
                                .formatted(layer.name(), layer.digest().hex(), layer.desired()))
                        .collect(Collectors.joining(", ", container.name() + " [", "]")))
                .collect(Collectors.joining(", "));
    }

    /** The same layer, by another version of its ViewPatch. */
    public static Layer with(final Layer layer, final @Nullable LayerOrigin origin) {
        return with(layer, origin, layer.desired());
    }

    private static Layer with(final Layer layer, final @Nullable LayerOrigin origin, final DesiredState desired) {
        return new Layer(
                layer.name(),
                layer.digest(),
                layer.artifact(),
                layer.createdAt(),
                origin,
                layer.releasedAt(),
                layer.baseline(),
                desired,
                layer.threads(),
                layer.quiescence());
    }

    /** Whether two layers are the same change of the same ViewPatch. */
    public static boolean isSame(final Layer one, final Layer other) {
        return one.name().equals(other.name()) && one.digest().equals(other.digest());
    }
}

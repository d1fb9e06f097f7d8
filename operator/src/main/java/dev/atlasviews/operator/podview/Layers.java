// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.podview;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerArtifact;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ViewPatch;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

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
        return view.getSpec().containers().stream()
                .flatMap(container -> container.layers().stream())
                .anyMatch(layer -> layer.name().equals(name));
    }

    /**
     * Whether a ViewPatch may have an effect: it has been accepted as it is now, and cannot go without being taken back.
     */
    static boolean isEffective(final ViewPatch patch) {
        return Objects.requireNonNullElse(patch.getMetadata().getFinalizers(), List.<String>of())
                        .contains(Atlas.REVERT_FINALIZER)
                && patch.getStatus() != null
                && patch.getStatus().conditions().stream()
                        .anyMatch(condition -> condition.getType().equals(ConditionType.ACCEPTED.value())
                                && condition.getStatus().equals("True")
                                && Objects.equals(
                                        condition.getObservedGeneration(),
                                        patch.getMetadata().getGeneration()));
    }

    /** The layer that a ViewPatch asks for. */
    static Layer wantedBy(final ViewPatch patch) {
        final var change = patch.getSpec().change().patch();
        return new Layer(
                nameOf(patch),
                change.digest(),
                new LayerArtifact(
                        patch.getMetadata().getNamespace(), change.artifactRef().name()),
                Instant.parse(patch.getMetadata().getCreationTimestamp()),
                DesiredState.PRESENT,
                patch.getSpec().threads(),
                patch.getSpec().quiescence());
    }

    /** The same layer, to be taken back. */
    static Layer absent(final Layer layer) {
        return new Layer(
                layer.name(),
                layer.digest(),
                layer.artifact(),
                layer.createdAt(),
                DesiredState.ABSENT,
                layer.threads(),
                layer.quiescence());
    }

    /** Whether two layers are the same change of the same ViewPatch. */
    static boolean isSame(final Layer one, final Layer other) {
        return one.name().equals(other.name()) && one.digest().equals(other.digest());
    }
}

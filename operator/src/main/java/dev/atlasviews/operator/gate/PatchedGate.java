// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.gate;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Mode;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewSpec;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.outcomes.Outcome;
import dev.atlasviews.operator.outcomes.PodOutcome;
import dev.atlasviews.operator.pods.PatchedCondition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a pod may serve. A container that is new, or was started again, waits until every change that is meant for it is
 * there. One that served already when a change came goes on: to take it away would be the interruption that changing it in
 * place avoids.
 *
 * @param open whether it may
 * @param warning whether somebody should look
 * @param reason why, in one word
 * @param message why, in a sentence that names the ViewPatch
 */
public record PatchedGate(boolean open, boolean warning, String reason, String message) {
    private static final int MESSAGE_LIMIT = 1024;
    private static final int NAMED_PATCHES = 5;

    private record Pending(ViewPatch patch, PodOutcome outcome) {
        boolean isOnTheWay() {
            return outcome.outcome() == Outcome.PROGRESSING;
        }
    }

    /**
     * Judges a pod.
     *
     * @param pod a running pod
     * @param patches the ViewPatches of its namespace
     * @param wanted the layers that it should have from now on
     * @param existing its PodView as it is, before that is asked for
     * @return whether it may serve
     */
    public static PatchedGate of(
            final Pod pod,
            final Collection<ViewPatch> patches,
            final PodViewSpec wanted,
            final @Nullable PodView existing) {
        final List<ViewPatch> meant = patches.stream()
                .filter(patch -> Layers.wanted(patch, wanted).isPresent())
                .filter(patch -> patch.getSpec().mode() == Mode.APPLY)
                .sorted(Comparator.comparing(patch -> patch.getMetadata().getName()))
                .toList();
        if (meant.isEmpty()) {
            return new PatchedGate(true, false, "NoViewPatch", "no ViewPatch is meant for this pod now");
        }
        // What was reported on other containers or layers tells nothing of these, nor of a container that is still to
        // come.
        final PodView current = existing != null
                        && existing.getSpec().equals(wanted)
                        && changed(wanted).allMatch(PatchedGate::isThere)
                ? existing
                : null;
        return meant.stream()
                .map(patch -> new Pending(patch, PodOutcome.applying(patch, pod, current, true, NodeStates.ALL_READY)))
                .filter(pending -> !pending.outcome().outcome().isSettled())
                .min(Comparator.comparing(pending -> pending.outcome().outcome()))
                .map(pending -> servedBefore(pod, wanted, existing) ? inService(pending) : closed(pending))
                .orElseGet(
                        () -> new PatchedGate(true, false, "Patched", "applied as far as they fit: " + names(meant)));
    }

    /** Whether the pod may serve already, and still has the containers for which that was said. */
    private static boolean servedBefore(final Pod pod, final PodViewSpec wanted, final @Nullable PodView existing) {
        return PatchedCondition.of(pod)
                        .filter(condition -> "True".equals(condition.getStatus()))
                        .isPresent()
                && changed(wanted).allMatch(container -> isThere(container) && isUnchanged(container, existing));
    }

    private static Stream<ContainerLayers> changed(final PodViewSpec wanted) {
        return wanted.containers().stream()
                .filter(container ->
                        container.layers().stream().anyMatch(layer -> layer.desired() == DesiredState.PRESENT));
    }

    private static boolean isThere(final ContainerLayers container) {
        return container.id() != null;
    }

    private static boolean isUnchanged(final ContainerLayers container, final @Nullable PodView existing) {
        return existing == null
                || existing.getSpec().containers().stream()
                        .filter(before -> before.name().equals(container.name()))
                        .allMatch(before -> Objects.equals(before.id(), container.id()));
    }

    private static PatchedGate inService(final Pending pending) {
        return new PatchedGate(
                true,
                false,
                "InService",
                "ViewPatch %s came while the containers served, and is not applied to all of their processes: %s"
                        .formatted(
                                pending.patch().getMetadata().getName(),
                                pending.outcome().reason()));
    }

    private static PatchedGate closed(final Pending pending) {
        final String name = pending.patch().getMetadata().getName();
        final String reason = pending.outcome().reason();
        // Which threads it waits for changes by the second: that is the PodView's to say, not a write to the pod each.
        return pending.isOnTheWay()
                ? new PatchedGate(false, false, reason, "ViewPatch %s is not applied yet".formatted(name))
                : new PatchedGate(
                        false,
                        true,
                        reason,
                        "ViewPatch %s: %s".formatted(name, pending.outcome().message()));
    }

    private static String names(final List<ViewPatch> patches) {
        final String named = patches.stream()
                .limit(NAMED_PATCHES)
                .map(patch -> patch.getMetadata().getName())
                .collect(Collectors.joining(", "));
        final int more = patches.size() - NAMED_PATCHES;
        return more > 0 ? "%s and %d more".formatted(named, more) : named;
    }

    /** Whether a pod's condition says just this. */
    public boolean isSaid(final Pod pod) {
        return PatchedCondition.of(pod).filter(this::isSaid).isPresent();
    }

    /** Whether it is news for those who look at the pod only: not that one ViewPatch more is on its way. */
    public boolean isNews(final Pod pod) {
        return PatchedCondition.of(pod)
                .filter(before -> before.getStatus().equals(status()) && (open || reason.equals(before.getReason())))
                .isEmpty();
    }

    private boolean isSaid(final PodCondition condition) {
        return status().equals(condition.getStatus())
                && reason.equals(condition.getReason())
                && shortMessage().equals(condition.getMessage());
    }

    /**
     * The pod's condition.
     *
     * @param pod the pod as it is
     * @param now the time
     * @return the condition, with the time of the last transition of its status
     */
    public PodCondition condition(final Pod pod, final Instant now) {
        return new PodConditionBuilder()
                .withType(Atlas.PATCHED_CONDITION)
                .withStatus(status())
                .withReason(reason)
                .withMessage(shortMessage())
                .withLastTransitionTime(PatchedCondition.of(pod)
                        .filter(before -> before.getStatus().equals(status()))
                        .map(PodCondition::getLastTransitionTime)
                        .orElse(now.truncatedTo(ChronoUnit.SECONDS).toString()))
                .build();
    }

    private String status() {
        return open ? "True" : "False";
    }

    private String shortMessage() {
        return message.length() <= MESSAGE_LIMIT ? message : message.substring(0, MESSAGE_LIMIT - 1) + "…";
    }
}

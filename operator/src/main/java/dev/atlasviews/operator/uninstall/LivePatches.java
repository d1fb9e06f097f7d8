// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.uninstall;

import dev.atlasviews.crds.Atlas;
import dev.atlasviews.crds.ConditionType;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import dev.atlasviews.operator.layers.Layers;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The ViewPatches and PodViews of all namespaces that need the operator, and what is to be said of them. */
final class LivePatches {
    private static final int NAMED = 5;
    private static final Comparator<ViewPatch> MOST_PATCHED_FIRST = Comparator.comparingInt(LivePatches::applied)
            .thenComparingInt(LivePatches::moved)
            .reversed()
            .thenComparing(Layers::nameOf);

    private final KubernetesClient client;

    LivePatches(final KubernetesClient client) {
        this.client = client;
    }

    /**
     * Those that have the operator's finalizer. It is set before a ViewPatch has any effect, so that without it no pod is
     * patched; and with it a ViewPatch that is deleted later, and its namespace, would wait for an operator that is gone, also
     * where no pod is patched.
     */
    List<ViewPatch> live() {
        return all(ViewPatch.class)
                .filter(patch -> Objects.requireNonNullElse(patch.getMetadata().getFinalizers(), List.<String>of())
                        .contains(Atlas.REVERT_FINALIZER))
                .toList();
    }

    /** Asks for the deletion of all that are not being deleted, and returns those that were there. */
    List<ViewPatch> delete() {
        final List<ViewPatch> patches = all(ViewPatch.class).toList();
        patches.stream()
                .filter(patch -> patch.getMetadata().getDeletionTimestamp() == null)
                .forEach(patch -> client.resource(patch).delete());
        return patches;
    }

    /** The PodViews that name layers; what can not be read may. */
    List<PodView> patched() {
        return all(PodView.class)
                .filter(view -> !view.isReadable() || Layers.of(view).findAny().isPresent())
                .toList();
    }

    private <T extends HasMetadata> Stream<T> all(final Class<T> kind) {
        try {
            return client.resources(kind).inAnyNamespace().list().getItems().stream();
        } catch (final KubernetesClientException e) {
            if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
                // With their definition all of them went.
                return Stream.empty();
            }
            throw e;
        }
    }

    /** How far each is applied, in a line; five at most, those with the most first, and the number of the others. */
    static String extents(final List<ViewPatch> patches) {
        return lines(patches, LivePatches::extent);
    }

    /** What each waits for, likewise. */
    static String holders(final List<ViewPatch> patches) {
        return lines(patches, LivePatches::holder);
    }

    /** Which pods they are of, likewise. */
    static String pods(final List<PodView> views) {
        return lines(
                views.stream()
                        .map(view -> "%s/%s: %s"
                                .formatted(
                                        view.getMetadata().getNamespace(),
                                        view.getMetadata().getName(),
                                        view.unreadableSpec()
                                                .orElseGet(() -> "pod %s on node %s"
                                                        .formatted(
                                                                view.getSpec().podName(),
                                                                view.getSpec().nodeName()))))
                        .sorted(),
                views.size());
    }

    private static String lines(final List<ViewPatch> patches, final Function<ViewPatch, String> text) {
        return lines(
                patches.stream()
                        .sorted(MOST_PATCHED_FIRST)
                        .map(patch -> Layers.nameOf(patch) + ": " + text.apply(patch)),
                patches.size());
    }

    private static String lines(final Stream<String> all, final int count) {
        final Stream<String> named = all.limit(NAMED).map("  "::concat);
        final Stream<String> others =
                Stream.of(count - NAMED).filter(more -> more > 0).map("  and %d more"::formatted);
        return Stream.concat(named, others).collect(Collectors.joining("\n"));
    }

    private static String extent(final ViewPatch patch) {
        return pods(patch)
                .map(pods -> "applied in %d of %d pods, %d threads moved"
                        .formatted(pods.applied(), pods.selected(), moved(patch)))
                .orElse("the operator has said nothing of it yet");
    }

    private static String holder(final ViewPatch patch) {
        return status(patch).stream()
                .flatMap(status -> status.conditions().stream())
                .filter(condition -> condition.getType().equals(ConditionType.APPLIED.value()))
                .findFirst()
                .map(condition -> condition.getReason() + ", " + condition.getMessage())
                .orElse("the operator has said nothing of it yet");
    }

    private static int applied(final ViewPatch patch) {
        return pods(patch).map(PodCounts::applied).orElse(0);
    }

    private static int moved(final ViewPatch patch) {
        return status(patch)
                .map(ViewPatchStatus::threads)
                .map(ThreadCounts::moved)
                .orElse(0);
    }

    private static Optional<PodCounts> pods(final ViewPatch patch) {
        return status(patch).map(ViewPatchStatus::pods);
    }

    private static Optional<ViewPatchStatus> status(final ViewPatch patch) {
        return Optional.ofNullable(patch.getStatus());
    }
}

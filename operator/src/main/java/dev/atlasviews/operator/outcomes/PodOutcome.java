// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.outcomes;

import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.layers.Layers;
import dev.atlasviews.operator.nodes.NodeState;
import dev.atlasviews.operator.nodes.NodeStates;
import dev.atlasviews.operator.pods.PodSelection;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What became of a ViewPatch in one pod.
 *
 * @param pod the pod's name
 * @param uid the pod's UID
 * @param outcome what
 * @param threads the selected threads of all its processes
 * @param reason why, in one word
 * @param message why, in a sentence that names the pod and its node
 */
public record PodOutcome(String pod, String uid, Outcome outcome, ThreadCounts threads, String reason, String message) {
    /** What is looked at. */
    private record Place(String pod, String uid, String node) {
        static Place of(final Pod pod) {
            return new Place(
                    pod.getMetadata().getName(),
                    pod.getMetadata().getUid(),
                    pod.getSpec().getNodeName());
        }

        static Place of(final PodView view) {
            return new Place(
                    view.getSpec().podName(),
                    view.getMetadata().getName(),
                    view.getSpec().nodeName());
        }

        PodOutcome outcome(final Outcome outcome, final String reason, final String message) {
            return outcome(outcome, ThreadCounts.NONE, reason, message);
        }

        PodOutcome outcome(
                final Outcome outcome, final ThreadCounts threads, final String reason, final String message) {
            return new PodOutcome(
                    pod, uid, outcome, threads, reason, "pod %s on node %s: %s".formatted(pod, node, message));
        }

        /** Nothing is reported of the specification as it is now, or nothing that can be read. */
        PodOutcome unreported(final @Nullable PodView view, final NodeStates nodes) {
            final NodeState state = nodes.of(node);
            return switch (state.kind()) {
                case READY ->
                    outcome(
                            Outcome.PROGRESSING,
                            "WaitingForNode",
                            unread(view).orElse("its node has not reported on what runs there now"));
                case AGENT_MISSING -> outcome(Outcome.UNREACHABLE, "AgentMissing", state.message());
                case MODULE_UNAVAILABLE ->
                    outcome(Outcome.REFUSED, LayerReason.MODULE_UNAVAILABLE.value(), state.message());
            };
        }
    }

    private static Optional<String> unread(final @Nullable PodView view) {
        return Optional.ofNullable(view)
                .flatMap(any -> any.unreadableSpec().or(any::unreadableStatus))
                .map("its PodView can not be read: "::concat);
    }

    /**
     * What became of a ViewPatch in a pod that it is meant for.
     *
     * @param patch the ViewPatch
     * @param pod the pod
     * @param view the pod's PodView, or null if it has none yet
     * @param released whether the pod's wave has begun
     * @param nodes which agents can act
     * @return progressing unless the node has reported on just this change, in what the pod runs now
     */
    public static PodOutcome applying(
            final ViewPatch patch,
            final Pod pod,
            final @Nullable PodView view,
            final boolean released,
            final NodeStates nodes) {
        final Place place = Place.of(pod);
        if (PodSelection.containers(patch, pod).findAny().isEmpty()) {
            return place.outcome(
                    Outcome.NOTHING_TO_DO,
                    "NoContainer",
                    "it has no container " + patch.getSpec().container());
        }
        final Optional<Layer> layer = Optional.ofNullable(view).flatMap(any -> Layers.wanted(patch, any));
        if (!released && layer.isEmpty()) {
            return place.outcome(Outcome.WAITING, "WaitingForWave", "its wave has not begun");
        }
        final Optional<String> full = full(patch, pod, view);
        if (released && full.isPresent()) {
            return place.outcome(
                    Outcome.REFUSED,
                    "TooManyLayers",
                    "container %s has %d layers already, which is as many as one may have"
                            .formatted(full.get(), ContainerLayers.MAX_LAYERS));
        }
        if (view == null || layer.isEmpty() || !Reports.areOf(pod, view, nodes)) {
            return place.unreported(view, nodes);
        }
        if (isBetweenProcesses(view)) {
            return place.outcome(
                    Outcome.PROGRESSING,
                    "WaitingForProcess",
                    "its container has no process: it is being started, or has just ended");
        }
        final Digest digest = patch.getSpec().change().patch().digest();
        final PodOutcome worst = worst(
                patch,
                view,
                status -> status.digest().equals(digest),
                place.outcome(
                        Outcome.NOTHING_TO_DO,
                        LayerReason.BUILD_ID_MISMATCH.value(),
                        "no process maps a file that the patch was built for"));
        return worst.outcome() == Outcome.APPLIED
                ? earlier(layer.get(), view).map(worst::alreadyBy).orElse(worst)
                : worst;
    }

    /**
     * What became of taking a ViewPatch back from a pod.
     *
     * @param patch the ViewPatch
     * @param view the pod's PodView, which still lists a layer of it
     * @param nodes which agents can act
     * @return progressing or unreachable: what is done is not listed any more
     */
    public static PodOutcome reverting(final ViewPatch patch, final PodView view, final NodeStates nodes) {
        if (!view.isReadable()) {
            final String uid = view.getMetadata().getName();
            return new PodOutcome(
                    uid,
                    uid,
                    Outcome.UNREACHABLE,
                    ThreadCounts.NONE,
                    "InvalidPodView",
                    "the PodView of pod %s can not be read, and may have a layer of it: %s"
                            .formatted(uid, view.unreadableSpec().orElseThrow()));
        }
        final PodOutcome unreported = Place.of(view).unreported(view, nodes);
        final PodOutcome waiting = unreported.outcome() == Outcome.REFUSED
                ? Place.of(view).outcome(Outcome.UNREACHABLE, unreported.reason(), unreported.message())
                : unreported;
        // The PodView may be from before it was known that all of them go.
        final Set<Digest> taken =
                Layers.takenBack(patch, view).map(Layer::digest).collect(Collectors.toSet());
        final PodOutcome reported = Reports.areOfNow(view, nodes)
                ? worst(patch, view, status -> taken.isEmpty() || taken.contains(status.digest()), waiting)
                : waiting;
        return reported.outcome() == Outcome.PROGRESSING ? reported : waiting;
    }

    /** The pod, as an event names it. */
    public ObjectReference reference(final String namespace) {
        return new ObjectReferenceBuilder()
                .withApiVersion("v1")
                .withKind("Pod")
                .withNamespace(namespace)
                .withName(pod)
                .withUid(uid)
                .build();
    }

    /** The container that has no room for the change. */
    private static Optional<String> full(final ViewPatch patch, final Pod pod, final @Nullable PodView view) {
        return view == null || !view.isReadable()
                ? Optional.empty()
                : view.getSpec().containers().stream()
                        .filter(container -> PodSelection.containers(patch, pod).anyMatch(container.name()::equals))
                        .filter(container -> Layers.isFullFor(patch, container))
                        .map(ContainerLayers::name)
                        .findFirst();
    }

    private PodOutcome alreadyBy(final Layer other) {
        return new PodOutcome(
                pod, uid, outcome, threads, "AlreadyApplied", "%s; by ViewPatch %s".formatted(message, other.name()));
    }

    /** Another ViewPatch that had put the same patch there before. */
    private static Optional<Layer> earlier(final Layer own, final PodView view) {
        return Layers.of(view)
                .filter(layer -> layer.desired() == DesiredState.PRESENT)
                .filter(layer ->
                        layer.digest().equals(own.digest()) && !layer.name().equals(own.name()))
                .filter(layer -> layer.createdAt().isBefore(own.createdAt()))
                .findFirst();
    }

    /**
     * The agent names the processes of a container that runs, also those that no change is for. It sees the end of one
     * before the kubelet says so: the change is not done with then.
     */
    private static boolean isBetweenProcesses(final PodView view) {
        return Objects.requireNonNull(view.getStatus()).processes().isEmpty()
                && view.getSpec().containers().stream().anyMatch(container -> container.id() != null);
    }

    private static PodOutcome worst(
            final ViewPatch patch,
            final PodView view,
            final Predicate<LayerStatus> concerns,
            final PodOutcome ifNothing) {
        final List<Finding> findings = Objects.requireNonNull(view.getStatus()).processes().stream()
                .flatMap(process -> process.layers().stream()
                        .filter(layer -> layer.name().equals(Layers.nameOf(patch)))
                        .filter(concerns)
                        .map(layer -> new Finding(process, layer)))
                .toList();
        final ThreadCounts threads = findings.stream()
                .map(finding -> finding.layer().threads())
                .reduce(ThreadCounts.NONE, ThreadCounts::plus);
        return findings.stream()
                .min(Comparator.comparing(Finding::outcome).thenComparing(finding -> !finding.isHeld()))
                .map(finding -> Place.of(view)
                        .outcome(finding.outcome(), threads, finding.layer().reason(), finding.message(view)))
                .orElse(ifNothing);
    }
}

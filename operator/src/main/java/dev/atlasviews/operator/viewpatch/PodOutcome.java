// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.viewpatch;

import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.operator.pods.PodSelection;
import dev.atlasviews.operator.podview.Layers;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What became of a ViewPatch in one pod.
 *
 * @param outcome what
 * @param threads the selected threads of all its processes
 * @param reason why, in one word
 * @param message why, in a sentence that names the pod
 */
record PodOutcome(Outcome outcome, ThreadCounts threads, String reason, String message) {
    private static final int NAMED_THREADS = 3;

    /**
     * What became of a ViewPatch in a pod that it is meant for.
     *
     * @param patch the ViewPatch
     * @param pod the pod
     * @param view the pod's PodView, or null if it has none yet
     * @return progressing unless the node has reported on just this change
     */
    static PodOutcome applying(final ViewPatch patch, final Pod pod, final @Nullable PodView view) {
        final String name = pod.getMetadata().getName();
        if (PodSelection.containers(patch, pod).findAny().isEmpty()) {
            return new PodOutcome(
                    Outcome.NOTHING_TO_DO,
                    ThreadCounts.NONE,
                    "NoContainer",
                    "pod %s: it has no container %s"
                            .formatted(name, patch.getSpec().container()));
        }
        final Predicate<Layer> wanted = layer -> layer.name().equals(Layers.nameOf(patch))
                && layer.digest().equals(patch.getSpec().change().patch().digest())
                && layer.desired() == DesiredState.PRESENT;
        if (view == null || !hasReported(view) || layers(view).stream().noneMatch(wanted)) {
            return waitingForNode(name, pod.getSpec().getNodeName());
        }
        return worst(
                patch,
                view,
                new PodOutcome(
                        Outcome.NOTHING_TO_DO,
                        ThreadCounts.NONE,
                        LayerReason.BUILD_ID_MISMATCH.value(),
                        "pod %s: no process maps a file that the patch was built for".formatted(name)));
    }

    /**
     * What became of taking a ViewPatch back from a pod.
     *
     * @param patch the ViewPatch
     * @param view the pod's PodView, which still lists a layer of it
     * @return always progressing: what is done is not listed any more
     */
    static PodOutcome reverting(final ViewPatch patch, final PodView view) {
        final PodOutcome waiting =
                waitingForNode(view.getSpec().podName(), view.getSpec().nodeName());
        final PodOutcome reported = hasReported(view) ? worst(patch, view, waiting) : waiting;
        return reported.outcome() == Outcome.PROGRESSING ? reported : waiting;
    }

    private static PodOutcome waitingForNode(final String pod, final String node) {
        return new PodOutcome(
                Outcome.PROGRESSING,
                ThreadCounts.NONE,
                "WaitingForNode",
                "pod %s: node %s has not reported yet".formatted(pod, node));
    }

    private static boolean hasReported(final PodView view) {
        return view.getStatus() != null
                && view.getStatus()
                        .observedGeneration()
                        .equals(view.getMetadata().getGeneration());
    }

    private static List<Layer> layers(final PodView view) {
        return view.getSpec().containers().stream()
                .flatMap(container -> container.layers().stream())
                .toList();
    }

    /** A layer in a process of the pod. */
    private record Finding(ProcessStatus process, LayerStatus layer) {
        Outcome outcome() {
            return Outcome.of(layer.state());
        }

        boolean isHeld() {
            return layer.threads().held() > 0;
        }

        String message(final String pod) {
            final String text =
                    "pod %s, %s (pid %d): %s".formatted(pod, process.program(), process.pid(), layer.message());
            return process.heldThreads().isEmpty() || !isHeld() ? text : text + "; held: " + heldThreads();
        }

        private String heldThreads() {
            final String named = process.heldThreads().stream()
                    .limit(NAMED_THREADS)
                    .map(thread -> "%s (%d) in %s".formatted(thread.name(), thread.tid(), thread.function()))
                    .collect(Collectors.joining(", "));
            final int more = process.threads().held()
                    - Math.min(NAMED_THREADS, process.heldThreads().size());
            return more > 0 ? named + " and " + more + " more" : named;
        }
    }

    private static PodOutcome worst(final ViewPatch patch, final PodView view, final PodOutcome ifNothing) {
        final List<Finding> findings = Objects.requireNonNull(view.getStatus()).processes().stream()
                .flatMap(process -> process.layers().stream()
                        .filter(layer -> layer.name().equals(Layers.nameOf(patch)))
                        .filter(layer -> layer.digest()
                                .equals(patch.getSpec().change().patch().digest()))
                        .map(layer -> new Finding(process, layer)))
                .toList();
        final ThreadCounts threads = findings.stream()
                .map(finding -> finding.layer().threads())
                .reduce(ThreadCounts.NONE, ThreadCounts::plus);
        return findings.stream()
                .min(Comparator.comparing(Finding::outcome).thenComparing(finding -> !finding.isHeld()))
                .map(finding -> new PodOutcome(
                        finding.outcome(),
                        threads,
                        finding.layer().reason(),
                        finding.message(view.getSpec().podName())))
                .orElse(ifNothing);
    }
}

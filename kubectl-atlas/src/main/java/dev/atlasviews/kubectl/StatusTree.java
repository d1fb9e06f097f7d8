// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.RolloutStatus;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What became of a ViewPatch, from the patch down to the threads: patch, node, pod, process, threads. */
final class StatusTree {
    private final ViewPatch patch;
    private final List<PodView> views;

    /**
     * A tree.
     *
     * @param patch the ViewPatch
     * @param views all PodViews of its namespace
     */
    StatusTree(final ViewPatch patch, final List<PodView> views) {
        this.patch = patch;
        this.views = views;
    }

    List<String> lines() {
        final Tree root = new Tree(headline());
        final Map<String, List<PodView>> nodes = views.stream()
                .filter(this::lists)
                .collect(Collectors.groupingBy(view -> view.getSpec().nodeName(), TreeMap::new, Collectors.toList()));
        nodes.forEach((node, pods) -> {
            final Tree branch = root.add("node " + node);
            pods.forEach(pod -> addPod(branch, pod));
        });
        return root.lines();
    }

    /** A condition of a ViewPatch. */
    static Optional<Condition> condition(final ViewPatch patch, final String type) {
        return Optional.ofNullable(patch.getStatus()).map(ViewPatchStatus::conditions).stream()
                .flatMap(List::stream)
                .filter(condition -> condition.getType().equals(type))
                .findFirst();
    }

    private String name() {
        return patch.getMetadata().getNamespace() + "/" + patch.getMetadata().getName();
    }

    private String headline() {
        final ViewPatchStatus status = patch.getStatus();
        if (status == null) {
            return "viewpatch %s: the operator has not looked at it yet".formatted(name());
        }
        final String reason =
                condition(patch, "Applied").map(Condition::getReason).orElse("Unknown");
        final StringBuilder line = new StringBuilder("viewpatch %s: %s".formatted(name(), reason));
        final PodCounts pods = status.pods();
        if (pods != null) {
            line.append(", %d of %d pods".formatted(pods.applied(), pods.selected()));
        }
        final ThreadCounts threads = status.threads();
        if (threads != null) {
            line.append(", ").append(text(threads));
        }
        final RolloutStatus rollout = status.rollout();
        if (rollout != null) {
            line.append(", wave %d %s".formatted(rollout.wave(), rollout.phase()));
        }
        return line.toString();
    }

    private boolean lists(final PodView view) {
        return view.getSpec().containers().stream()
                .flatMap(container -> container.layers().stream())
                .anyMatch(layer -> layer.name().equals(name()));
    }

    private void addPod(final Tree branch, final PodView view) {
        final Tree pod = branch.add("pod " + view.getSpec().podName());
        if (view.getStatus() == null
                || !view.getStatus()
                        .observedGeneration()
                        .equals(view.getMetadata().getGeneration())) {
            pod.add("its node has not reported yet");
            return;
        }
        view.getStatus().processes().forEach(process -> addProcess(pod, process));
    }

    private void addProcess(final Tree pod, final ProcessStatus process) {
        process.layers().stream()
                .filter(layer -> layer.name().equals(name()))
                .findFirst()
                .ifPresent(layer -> addLayer(pod, process, layer));
    }

    private static void addLayer(final Tree pod, final ProcessStatus process, final LayerStatus layer) {
        final Tree line = pod.add("%s %s (pid %d): %s, %s, %s"
                .formatted(
                        process.container(),
                        process.program(),
                        process.pid(),
                        layer.state(),
                        layer.reason(),
                        text(layer.threads())));
        for (final HeldThread thread : process.heldThreads()) {
            line.add("thread %s (%d) is held by %s since %s"
                    .formatted(thread.name(), thread.tid(), thread.function(), thread.since()));
        }
        final int more = process.threads().held() - process.heldThreads().size();
        if (more > 0) {
            line.add("and %d more threads that are held".formatted(more));
        }
    }

    private static String text(final ThreadCounts threads) {
        return "%d of %d threads".formatted(threads.moved(), threads.total())
                + (threads.held() > 0 ? ", %d held".formatted(threads.held()) : "");
    }
}

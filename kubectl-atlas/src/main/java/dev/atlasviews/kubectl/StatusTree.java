// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.HeldThread;
import dev.atlasviews.crds.LayerState;
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
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What became of a ViewPatch, from the patch down to the threads: patch, node, pod, process, threads. */
final class StatusTree {
    private final ViewPatch patch;
    private final List<PodView> views;
    private final Nodes nodes;

    /**
     * A tree.
     *
     * @param patch the ViewPatch
     * @param views all PodViews of its namespace
     * @param nodes what is known of nodes
     */
    StatusTree(final ViewPatch patch, final List<PodView> views, final Nodes nodes) {
        this.patch = patch;
        this.views = views;
        this.nodes = nodes;
    }

    List<String> lines() {
        final Tree root = new Tree(headline());
        final Map<String, List<PodReport>> reports = PodReport.of(patch, views)
                .collect(Collectors.groupingBy(PodReport::node, TreeMap::new, Collectors.toList()));
        reports.forEach((node, pods) -> {
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

    /** A verdict of another generation is none of what is asked for now, and is not shown as one. */
    private String headline() {
        final String name =
                patch.getMetadata().getNamespace() + "/" + patch.getMetadata().getName();
        final StringBuilder line = new StringBuilder("viewpatch " + name);
        if (patch.getMetadata().getDeletionTimestamp() != null) {
            line.append(
                    " (being deleted since %s)".formatted(patch.getMetadata().getDeletionTimestamp()));
        }
        final ViewPatchStatus status = patch.getStatus();
        if (status == null) {
            return line.append(": the operator has not looked at it yet").toString();
        }
        line.append(": ");
        if (isOutdated(patch)) {
            line.append("the operator has not looked at it since it was changed; before that: ");
        }
        line.append(condition(patch, "Applied").map(Condition::getReason).orElse("Unknown"));
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

    /** Whether the status tells of another specification than the one that it has now. */
    static boolean isOutdated(final ViewPatch patch) {
        return patch.getStatus() != null
                && !Objects.equals(
                        patch.getStatus().observedGeneration(),
                        patch.getMetadata().getGeneration());
    }

    private void addPod(final Tree branch, final PodReport report) {
        final Tree pod = branch.add("pod " + report.pod());
        if (!report.isOfNow(nodes)) {
            pod.add("its node has not reported yet on what runs there now");
            return;
        }
        report.findings().forEach(finding -> addFinding(pod, finding));
        if (report.unlisted() > 0) {
            pod.add("and %d more processes".formatted(report.unlisted()));
        }
    }

    private void addFinding(final Tree pod, final PodReport.Finding finding) {
        final ProcessStatus process = finding.process();
        final LayerStatus layer = finding.layer();
        final Tree line = pod.add("%s %s (pid %d): %s, %s, %s"
                .formatted(
                        process.container(),
                        process.program(),
                        process.pid(),
                        layer.state(),
                        layer.reason(),
                        text(layer.threads())));
        if (patch.isReadable()
                && !layer.digest().equals(patch.getSpec().change().patch().digest())) {
            line.add("this is the version before, " + layer.digest());
        }
        if (layer.state() != LayerState.APPLIED && !layer.message().isBlank()) {
            line.add(layer.message());
        }
        if (layer.state() == LayerState.APPLYING || layer.state() == LayerState.REVERTING) {
            addHeld(line, process);
        }
    }

    private static void addHeld(final Tree line, final ProcessStatus process) {
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

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.kubectl;

import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.crds.ViewPatch;
import java.util.List;
import java.util.stream.Stream;

/** What a node has reported of a ViewPatch in the processes of a pod. */
final class PodReport {
    private final String patch;
    private final PodView view;

    private PodReport(final String patch, final PodView view) {
        this.patch = patch;
        this.view = view;
    }

    /** A layer in a process. */
    record Finding(ProcessStatus process, LayerStatus layer) {}

    /** The reports of the pods that have the ViewPatch or are about to. */
    static Stream<PodReport> of(final ViewPatch patch, final List<PodView> views) {
        final String name =
                patch.getMetadata().getNamespace() + "/" + patch.getMetadata().getName();
        return views.stream()
                .filter(PodView::isReadable)
                .filter(view -> view.getSpec().containers().stream()
                        .flatMap(container -> container.layers().stream())
                        .anyMatch(layer -> layer.name().equals(name)))
                .map(view -> new PodReport(name, view));
    }

    String node() {
        return view.getSpec().nodeName();
    }

    String pod() {
        return view.getSpec().podName();
    }

    /** Whether it tells of what is asked for now, and of the boot that the node is in: no process survives one. */
    boolean isOfNow(final Nodes nodes) {
        final PodViewStatus status = view.getStatus();
        return status != null
                && status.observedGeneration().equals(view.getMetadata().getGeneration())
                && nodes.boot(node())
                        .map(boot -> status.processes().stream()
                                .allMatch(process -> process.bootId().equals(boot)))
                        .orElse(true);
    }

    /** What became of the ViewPatch in each process that is listed. */
    Stream<Finding> findings() {
        return processes().stream()
                .flatMap(process -> process.layers().stream()
                        .filter(layer -> layer.name().equals(patch))
                        .map(layer -> new Finding(process, layer)));
    }

    /** How many processes the pod has beyond those that are listed. */
    int unlisted() {
        return view.getStatus() == null
                ? 0
                : view.getStatus().summary().processes() - processes().size();
    }

    private List<ProcessStatus> processes() {
        return view.getStatus() == null ? List.of() : view.getStatus().processes();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one process has. Boot, pid and start time together name a process for ever.
 *
 * @param container the container's name
 * @param containerId the container that it runs in, "containerd://…"
 * @param bootId the boot of the node, from /proc/sys/kernel/random/boot_id
 * @param pid the process, as the node counts it
 * @param startTime when it was started, in clock ticks since boot
 * @param program the program's file name, as the container sees it
 * @param view the tag of the view that its threads should be in; null for the base view
 * @param threads its threads that at least one layer is meant for
 * @param heldThreads the threads that are held, at most {@value #MAX_HELD_THREADS}
 * @param layers what became of each layer
 */
@ApiRecord
public record ProcessStatus(
        String container,
        String containerId,
        String bootId,
        int pid,
        long startTime,
        String program,
        @Nullable String view,
        ThreadCounts threads,
        List<HeldThread> heldThreads,
        List<LayerStatus> layers) {
    /** How many held threads are listed at most. */
    public static final int MAX_HELD_THREADS = 10;

    /** Gives what is not given the defaults of the schema. */
    public ProcessStatus {
        heldThreads = heldThreads == null ? List.of() : List.copyOf(heldThreads);
        layers = layers == null ? List.of() : List.copyOf(layers);
    }

    /**
     * The same process with other layers.
     *
     * @param others the layers
     */
    public ProcessStatus withLayers(final List<LayerStatus> others) {
        return new ProcessStatus(
                container, containerId, bootId, pid, startTime, program, view, threads, heldThreads, others);
    }
}

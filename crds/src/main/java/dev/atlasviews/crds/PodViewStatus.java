// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.util.List;

/**
 * What the processes of a pod have.
 *
 * @param observedGeneration the generation of the specification that this tells of
 * @param summary all processes together
 * @param processes the processes that a layer concerns, at most {@value #MAX_PROCESSES} and 512 KiB, those that need
 *     attention first
 */
@ApiRecord
public record PodViewStatus(Long observedGeneration, PodViewSummary summary, List<ProcessStatus> processes) {
    /** How many processes are listed at most. */
    public static final int MAX_PROCESSES = 64;

    /** Gives what is not given the defaults of the schema. */
    public PodViewStatus {
        processes = processes == null ? List.of() : List.copyOf(processes);
    }
}

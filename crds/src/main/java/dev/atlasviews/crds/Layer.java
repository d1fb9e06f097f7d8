// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One change to the code, with all that an agent has to know of its ViewPatch.
 *
 * @param name the ViewPatch, as namespace/name
 * @param digest the patch file's digest
 * @param artifact the object that carries the patch file
 * @param createdAt when the ViewPatch was created
 * @param origin by which version of the ViewPatch the layer is as it is; null where an earlier operator wrote it
 * @param releasedAt when the pod was first to have this change; null where an earlier operator wrote it
 * @param baseline how the pod was then; null where an earlier operator wrote it
 * @param desired whether the threads should have the layer
 * @param threads the threads that run the layer
 * @param quiescence when a thread may move
 */
@ApiRecord
public record Layer(
        String name,
        Digest digest,
        LayerArtifact artifact,
        Instant createdAt,
        @Nullable LayerOrigin origin,
        @Nullable Instant releasedAt,
        @Nullable PodBaseline baseline,
        DesiredState desired,
        ThreadSelector threads,
        Quiescence quiescence) {
    /** Gives what is not given the defaults of the schema. */
    public Layer {
        desired = desired == null ? DesiredState.PRESENT : desired;
        threads = threads == null ? ThreadSelector.ALL : threads;
        quiescence = quiescence == null ? Quiescence.DEFAULT : quiescence;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.time.Duration;
import java.util.List;

/**
 * What a process should have, and how it may get there.
 *
 * @param layers the lowest first; none means back to the base
 * @param leaving layers that are taken back, for what they exclude; what is not among {@code layers} goes, named here or not
 * @param scope what moves together, whatever the layers say that threads get or lose
 * @param deadline how long the process may be mixed
 * @param onDeadline what becomes of it then
 */
public record Desired(List<Layer> layers, List<Layer> leaving, Scope scope, Duration deadline, OnDeadline onDeadline) {

    /** Copies the lists. */
    public Desired {
        layers = List.copyOf(layers);
        leaving = List.copyOf(leaving);
    }

    /** What moves together. */
    public enum Scope {
        /** Each thread at its own quiescence point. */
        THREAD,
        /** All threads at one instant, or none. */
        PROCESS
    }

    /** What becomes of a process that is still mixed at the deadline. */
    public enum OnDeadline {
        /** All threads go back. */
        REVERT,
        /** What has moved stays. */
        KEEP
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import java.time.Duration;

/** Is told what happens while it happens. */
public interface Progress {
    /** Tells nobody. */
    Progress NONE = new Progress() {};

    /** A view was built. */
    default void viewReady(final int view, final LayerStack stack, final Duration took) {}

    /** A thread is where it should be. */
    default void moved(final int tid, final String name, final Duration after) {}

    /** A thread could not move, for the first time. */
    default void held(final int tid, final String name, final String by) {}
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.util.List;

/** Judges snapshots. */
@FunctionalInterface
public interface StackCheck {
    /**
     * Whether none of the bodies was active on the thread's stack.
     *
     * @param bodies code of functions that matter, their parts included
     */
    Quiescence check(Snapshot snapshot, List<AddressRange> bodies) throws IOException;
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.process.TargetProcess;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The pauses of each process that was stopped in vain. Of its end nobody is told, so where there are very many those go that
 * were asked for the longest ago.
 */
final class ProcessPauses {
    /** More than a node has processes that wait; one that is forgotten begins anew. */
    private static final int MOST = 4096;

    private final Map<TargetProcess, FreezePauses> pauses = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(final Map.Entry<TargetProcess, FreezePauses> eldest) {
            return size() > MOST;
        }
    };

    synchronized FreezePauses of(final TargetProcess process) {
        return pauses.computeIfAbsent(process, any -> new FreezePauses());
    }

    /** It waits no more. */
    synchronized void forget(final TargetProcess process) {
        pauses.remove(process);
    }
}

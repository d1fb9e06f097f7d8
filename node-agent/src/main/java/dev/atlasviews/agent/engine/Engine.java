// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;

/** Gives processes the layers they should have. */
public interface Engine {
    /**
     * Makes a process what it should be, as far as its threads allow within the deadline.
     *
     * @param progress is told of each thread that moves
     * @throws IOException if the module or the machine fails; whatever the process does is a report
     */
    ProcessReport reconcile(TargetProcess process, Desired desired, Progress progress) throws IOException;

    /** How a process is, without changing anything. */
    ProcessReport inspect(TargetProcess process) throws IOException;

    /** The layers of the process' views; none for a process that is gone, or that can have none. */
    ViewLayers layers(TargetProcess process) throws IOException;
}

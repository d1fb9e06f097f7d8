// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/** The loaded kernel module: says what it is, and opens processes. */
public interface ViewModule extends AutoCloseable {
    /** What the module says of itself. */
    ModuleInfo info() throws ViewException;

    /**
     * Opens a process: that very process, never a later one with the same id.
     *
     * @param pid of its thread-group leader, in our pid namespace
     * @throws ViewException ESRCH: there is no such process; EPERM: not permitted
     */
    ProcessViews attach(long pid) throws ViewException;

    @Override
    void close();
}

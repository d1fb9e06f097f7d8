// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.time.Duration;
import java.util.List;

/**
 * The views of one process. They belong to the process: closing this handle leaves them as they are. Every operation
 * fails with ESRCH once the process is gone.
 */
public interface ProcessViews extends AutoCloseable {
    /** The most bytes that one {@link #write} takes. */
    int MAX_WRITE = 1 << 20;
    /** The most ranges that one {@link #migrateIfOutside} takes. */
    int MAX_RANGES = 4096;

    /** The conservative check gives up, and the thread stays, on deeper stacks; bytes. */
    int MAX_STACK_SCAN = 256 << 10;

    /** Creates a view that equals the view {@code from}. */
    int createView(int from) throws ViewException;

    /** Deletes a view; while threads are in it, it goes when the last one leaves. */
    void deleteView(int view) throws ViewException;

    /** Chooses where new threads start: a view, or {@link ViewEntry#CREATOR}. */
    void setDefault(int view) throws ViewException;

    /** Stores bytes into pages that only this view has; no other view sees them. */
    void write(int view, long address, byte[] bytes) throws ViewException;

    /** Marks a view as complete, so that it is known again. At most {@link ViewEntry#TAG_SIZE} Latin-1 characters. */
    void tag(int view, String tag) throws ViewException;

    /** The views of the process, the base view included once the process has any other. */
    List<ViewEntry> listViews() throws ViewException;

    /** The threads of the process. */
    List<ThreadEntry> listThreads() throws ViewException;

    /**
     * Registers and stack of a thread that is off the CPU.
     *
     * @param stackCapacity the most bytes of stack to take
     * @throws ViewException EBUSY: it is on a CPU; EAGAIN: it ran meanwhile
     */
    Snapshot snapshot(int tid, int stackCapacity) throws ViewException;

    /**
     * Moves a thread that is off the CPU and has not run since the snapshot with this sequence.
     *
     * @throws ViewException EAGAIN: it has run, and was not moved
     */
    void migrateIfSequence(int tid, int view, long sequence) throws ViewException;

    /**
     * Asks a thread to move on its next way to user mode, unless its program counter or a return address on its stack
     * lies in one of the ranges, which are apart from each other. Returns at once; the outcome is an event with the
     * cookie.
     *
     * @throws ViewException EBUSY: such a request is under way for the thread
     */
    void migrateIfOutside(int tid, int view, List<AddressRange> ranges, long cookie) throws ViewException;

    /**
     * Maps new memory with its content into the process, in all views. The content is complete before the mapping
     * exists.
     *
     * @param address where; page-aligned
     * @param length page-aligned; what the content does not fill is zero
     * @param name printable, at most 63 characters, no slash; {@code /proc/PID/maps} shows {@code /atlas:NAME}
     * @throws ViewException EEXIST: something is mapped there
     */
    void mapArea(AreaKind kind, long address, long length, byte[] content, String name) throws ViewException;

    /**
     * Holds every thread at its way to user mode until {@link #thaw}, the closing of this handle or the timeout.
     *
     * @return how many threads are held
     * @throws ViewException ETIMEDOUT: a thread did not arrive; none is held
     */
    int freeze(Duration timeout) throws ViewException;

    /** Lets the threads go on. */
    void thaw() throws ViewException;

    /** The counters of the process. */
    ProcessStats stats() throws ViewException;

    /** Waits for events and takes them; none when the timeout passes first. */
    List<ViewEvent> events(Duration timeout) throws ViewException;

    @Override
    void close();
}

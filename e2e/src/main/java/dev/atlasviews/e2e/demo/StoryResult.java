// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.e2e.load.LoadCounts;
import dev.atlasviews.e2e.load.Mark;
import dev.atlasviews.e2e.observe.Observation;
import dev.atlasviews.e2e.observe.ThreadCount;
import dev.atlasviews.e2e.report.Report;
import java.util.List;

/**
 * What was seen while the fix went in and out once.
 *
 * @param behaviour answers to the request that the fix is about
 * @param before the process before the patch; old code is counted
 * @param patched the process with it; new and old code are counted since all threads moved
 * @param reverted the process after the revert; both are counted since
 * @param interrupted system calls of the process that were cut short, from before the patch until after the revert
 * @param load what became of the requests of the open load
 * @param benchmark what became of redis-benchmark's
 * @param marks what happened when
 */
record StoryResult(
        Report.Behaviour behaviour,
        Observation before,
        Observation patched,
        Observation reverted,
        long interrupted,
        LoadCounts load,
        LoadCounts benchmark,
        List<Mark> marks) {

    /** Threads that ran the function before the patch. */
    List<ThreadCount> busyThreads() {
        return before.threads().stream().filter(thread -> thread.oldCode() > 0).toList();
    }

    /** Threads in a view while the patch was applied. */
    long moved() {
        return patched.threads().stream().filter(thread -> thread.view() != 0).count();
    }
}

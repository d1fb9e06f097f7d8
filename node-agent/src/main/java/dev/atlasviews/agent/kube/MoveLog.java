// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.Progress;
import java.time.Duration;
import org.slf4j.Logger;

/** Writes each step of a process into the log, where people watch a patch thread by thread. */
final class MoveLog implements Progress {
    private final Logger log;
    private final long pid;

    MoveLog(final Logger log, final long pid) {
        this.log = log;
        this.pid = pid;
    }

    @Override
    public void viewReady(final int view, final LayerStack stack, final Duration took) {
        log.info(
                "VIEW_READY pid={} view={} layers={} tookMs={}",
                pid,
                view,
                stack.digests().size(),
                took.toMillis());
    }

    @Override
    public void moved(final int tid, final String name, final Duration after) {
        log.info("THREAD_MOVED pid={} tid={} thread={} afterMs={}", pid, tid, name, after.toMillis());
    }

    /** Said anew at every pass, and in the status anyway. */
    @Override
    public void held(final int tid, final String name, final String by) {
        log.debug("THREAD_HELD pid={} tid={} thread={} function={}", pid, tid, name, by);
    }
}

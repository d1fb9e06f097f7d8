// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.Progress;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes each step of a process into the log, where people watch a patch thread by thread. */
final class MoveLog implements Progress {
    private static final Logger LOG = LoggerFactory.getLogger(MoveLog.class);

    private final long pid;

    MoveLog(final long pid) {
        this.pid = pid;
    }

    @Override
    public void viewReady(final int view, final LayerStack stack, final Duration took) {
        LOG.info(
                "VIEW_READY pid={} view={} layers={} tookMs={}",
                pid,
                view,
                stack.digests().size(),
                took.toMillis());
    }

    @Override
    public void moved(final int tid, final String name, final Duration after) {
        LOG.info("THREAD_MOVED pid={} tid={} thread={} afterMs={}", pid, tid, name, after.toMillis());
    }

    /** In the status anyway. */
    @Override
    public void held(final int tid, final String name, final String by) {
        LOG.debug("THREAD_HELD pid={} tid={} thread={} function={}", pid, tid, name, by);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.views.ViewModule;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets the node's module, and does not give up: while it can not be had its user is told why, and it is tried again, ever
 * more rarely. Somebody may load it, or a later kernel's module may come with the image of the next agent.
 */
final class ModuleSearch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModuleSearch.class);
    private static final Duration SHORTEST = Duration.ofSeconds(5);
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final Opening opening;
    private final User user;
    private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("module-search").factory());

    private Duration pause = SHORTEST;
    private volatile @Nullable ViewModule module;

    /** Opens the module. */
    @FunctionalInterface
    interface Opening {
        /**
         * The module, loaded.
         *
         * @throws IOException if it can not be had: says why, and what to do
         */
        ViewModule open() throws IOException;
    }

    /** Who needs the module. What goes wrong here is tried again too. */
    interface User {
        /** It is there. */
        void available(ViewModule module) throws IOException;

        /** It can not be had, for now. */
        void unavailable(String why) throws IOException;
    }

    ModuleSearch(final Opening opening, final User user) {
        this.opening = opening;
        this.user = user;
    }

    /** The first try, and all others after it until one succeeds. */
    void start() throws IOException {
        if (!attempt()) {
            tryLater();
        }
    }

    /** Whether the module is there. */
    boolean isOver() {
        return module != null;
    }

    @Override
    public void close() {
        later.shutdownNow();
        final ViewModule opened = module;
        if (opened != null) {
            opened.close();
        }
    }

    /** Whether no other is needed. */
    private boolean attempt() throws IOException {
        ViewModule opened = module;
        if (opened == null) {
            try {
                opened = opening.open();
            } catch (final IOException e) {
                LOG.warn("no process of this node can be patched: {}", e.getMessage());
                user.unavailable(String.valueOf(e.getMessage()));
                return false;
            }
            module = opened;
        }
        user.available(opened);
        return true;
    }

    private void tryLater() {
        final var _ = later.schedule(this::tryAgain, pause.toMillis(), TimeUnit.MILLISECONDS);
        final Duration twice = pause.multipliedBy(2);
        pause = twice.compareTo(LONGEST) < 0 ? twice : LONGEST;
    }

    private void tryAgain() {
        try {
            if (attempt()) {
                later.shutdown();
                return;
            }
        } catch (final IOException | RuntimeException e) {
            LOG.warn("whether this node has its module can not be told to the cluster; again in {}", pause, e);
        }
        tryLater();
    }
}

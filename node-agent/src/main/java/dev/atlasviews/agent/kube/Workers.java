// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A thread for each PodView, as long as there is one. */
final class Workers implements AutoCloseable {
    private final Pass pass;
    private final Map<String, BlockingQueue<Wake>> workers = new ConcurrentHashMap<>();

    private enum Wake {
        LOOK,
        STOP
    }

    /** What a worker does again and again. */
    @FunctionalInterface
    interface Pass {
        /**
         * One pass.
         *
         * @param pace of this worker
         * @return how long to wait before the next unless woken; empty when there is nothing to work on any more
         */
        Optional<Duration> run(String key, Pace pace);
    }

    Workers(final Pass pass) {
        this.pass = pass;
    }

    /** Lets the worker of this name look now; there is one afterwards. */
    void wake(final String key) {
        workers.compute(key, (name, known) -> {
            final BlockingQueue<Wake> wakes = known == null ? start(name) : known;
            wakes.add(Wake.LOOK);
            return wakes;
        });
    }

    @Override
    public void close() {
        workers.values().forEach(wakes -> wakes.add(Wake.STOP));
    }

    private BlockingQueue<Wake> start(final String key) {
        final BlockingQueue<Wake> wakes = new LinkedBlockingQueue<>();
        Thread.ofPlatform().daemon().name("podview-" + key).start(() -> work(key, wakes));
        return wakes;
    }

    private void work(final String key, final BlockingQueue<Wake> wakes) {
        final Pace pace = new Pace();
        try {
            Wake wake = wakes.take();
            while (wake != Wake.STOP) {
                wakes.removeIf(Wake.LOOK::equals);
                final Optional<Duration> pause = pass.run(key, pace);
                if (pause.isPresent()) {
                    wake = wakes.poll(pause.get().toMillis(), TimeUnit.MILLISECONDS);
                } else if (gone(key, wakes)) {
                    return;
                } else {
                    wake = wakes.take();
                }
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Not if it was woken meanwhile: what is gone may be there again. */
    private boolean gone(final String key, final BlockingQueue<Wake> wakes) {
        return workers.compute(key, (name, known) -> wakes.isEmpty() ? null : known) == null;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.quiescence.Quiescence;
import dev.atlasviews.agent.quiescence.StackCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reconciles a process that does what the module says it does. A thread is held by where it is, and by nothing else. */
final class FakeEngine {
    private final FakeProcess process;
    private final FakeViews views;
    private final LayerStore store;
    private final List<Layer> stored;
    private final FreezePauses pauses = new FreezePauses();

    /**
     * An engine.
     *
     * @param stored layers whose patches it still has when nobody asks for them any more
     */
    FakeEngine(final Path directory, final FakeProcess process, final FakeViews views, final Layer... stored) {
        this.process = process;
        this.views = views;
        this.store = new LayerStore(directory);
        this.stored = Arrays.asList(stored);
    }

    ProcessReport reconcile(final Desired.Scope scope, final Duration deadline, final Layer... layers)
            throws IOException {
        return run(new Desired(Arrays.asList(layers), List.of(), scope, deadline, Desired.OnDeadline.KEEP));
    }

    ProcessReport run(final Desired desired) throws IOException {
        return new Reconciliation(
                        process.process(),
                        views,
                        new Means(new LayerLinker(process.process(), views)),
                        desired,
                        Progress.NONE)
                .run();
    }

    private final class Means implements Reconciliation.Means {
        private final LayerLinker linker;

        Means(final LayerLinker linker) {
            this.linker = linker;
        }

        @Override
        public LayerLinker linker() {
            return linker;
        }

        @Override
        public LayerStore store() {
            return store;
        }

        @Override
        public FreezePauses pauses() {
            return pauses;
        }

        @Override
        public StackCheck check() {
            return (snapshot, bodies) -> {
                final long address = snapshot.registers().programCounter();
                return bodies.stream().anyMatch(body -> body.contains(address))
                        ? new Quiescence.Held(address, "executing")
                        : new Quiescence.Reached(true);
            };
        }

        @Override
        public Optional<Layer> stored(final String digest) {
            return stored.stream()
                    .filter(layer -> layer.digest().equals(digest))
                    .findFirst();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.patch.PatchFormatException;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.QuiescenceCheck;
import dev.atlasviews.agent.quiescence.StackCheck;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reconciles processes with the layers they should have. One process is worked on by one caller at a time, other
 * programs included; different processes are independent.
 */
public final class ProcessEngine implements Engine {
    private final Access access;
    private final Unwinder unwinder;
    private final LayerStore store;
    private final ProcessPauses pauses = new ProcessPauses();

    /** How a process is opened. */
    @FunctionalInterface
    public interface Access {
        /**
         * Opens the views of a process.
         *
         * @throws ViewException EOPNOTSUPP: the process can have none
         */
        ProcessViews attach(long pid) throws ViewException;
    }

    /**
     * An engine.
     *
     * @param store where applied patches are remembered
     */
    public ProcessEngine(final Access access, final Unwinder unwinder, final LayerStore store) {
        this.access = access;
        this.unwinder = unwinder;
        this.store = store;
    }

    /** Whether a patch was ever applied to the process: its areas stay as long as the process does. */
    public static boolean touched(final TargetProcess process) throws IOException {
        return Areas.retained(process.mappings()) > 0;
    }

    @Override
    public ProcessReport reconcile(final TargetProcess process, final Desired desired, final Progress progress)
            throws IOException {
        final ProcessReport report = locked(process, desired, progress);
        if (report.state() != ProcessReport.State.MIXED) {
            pauses.forget(process);
        }
        if (report.state() == ProcessReport.State.EXITED) {
            store.forget(process.pid(), process.startTime());
        }
        return report;
    }

    private ProcessReport locked(final TargetProcess process, final Desired desired, final Progress progress)
            throws IOException {
        try (FileChannel _ = store.lock(process.pid(), process.startTime());
                ProcessViews views = access.attach(process.pid())) {
            return process.alive()
                    ? new Reconciliation(process, views, new Means(process, views), desired, progress).run()
                    : ProcessReport.exited(process.pid(), process.startTime());
        } catch (final IOException e) {
            return canHaveNone(process, e) && unconcerned(process, desired)
                    ? ProcessReport.unconcerned(process.pid(), process.startTime(), desired.layers())
                    : exitedOr(process, e);
        }
    }

    @Override
    public ProcessReport inspect(final TargetProcess process) throws IOException {
        try (ProcessViews views = access.attach(process.pid())) {
            return Reconciliation.inspect(process, views, store);
        } catch (final IOException e) {
            return exitedOr(process, e);
        }
    }

    @Override
    public ViewLayers layers(final TargetProcess process) throws IOException {
        final List<Layer> known = new ArrayList<>();
        final List<String> lost = new ArrayList<>();
        for (final String digest : digests(process)) {
            stored(digest).ifPresentOrElse(known::add, () -> lost.add(digest));
        }
        return new ViewLayers(known, lost);
    }

    private List<String> digests(final TargetProcess process) throws IOException {
        try (ProcessViews views = access.attach(process.pid())) {
            return Reconciliation.digests(views, store);
        } catch (final ViewException e) {
            if (e.gone() || canHaveNone(process, e)) {
                return List.of();
            }
            throw e;
        }
    }

    private Optional<Layer> stored(final String digest) throws IOException {
        try {
            return store.patch(digest).map(Layer::of);
        } catch (final PatchFormatException e) {
            // Another version's, which is as good as none.
            return Optional.empty();
        }
    }

    /** A process that the module does not support, which is no failure where nothing is wanted of it. */
    private static boolean canHaveNone(final TargetProcess process, final IOException e) throws IOException {
        return e instanceof ViewException refused && refused.errno() == Errno.EOPNOTSUPP && !touched(process);
    }

    private static boolean unconcerned(final TargetProcess process, final Desired desired) throws IOException {
        final List<MappedImage> images = MappedImage.of(process);
        return desired.layers().stream().noneMatch(layer -> LayerLinker.concerns(images, layer));
    }

    /** The views of a process are those of its memory: who begins another program has none of them any more, and lives on. */
    private static ProcessReport exitedOr(final TargetProcess process, final IOException e) throws IOException {
        final boolean gone = e instanceof ViewException refused && refused.gone();
        // One that ends has lost its memory a while before it is gone.
        if (!process.alive() || (gone && process.mappings().isEmpty())) {
            return ProcessReport.exited(process.pid(), process.startTime());
        }
        if (gone) {
            throw new IOException("the process has begun another program", e);
        }
        throw e;
    }

    /** What the engine has for the reconciliation of one process. */
    private final class Means implements Reconciliation.Means {
        private final TargetProcess process;
        private final LayerLinker linker;

        Means(final TargetProcess process, final ProcessViews views) throws IOException {
            this.process = process;
            this.linker = new LayerLinker(process, views);
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
            return pauses.of(process);
        }

        @Override
        public StackCheck check() throws IOException {
            unwinder.start();
            return new QuiescenceCheck(unwinder, process);
        }

        @Override
        public Optional<Layer> stored(final String digest) throws IOException {
            return ProcessEngine.this.stored(digest);
        }
    }
}

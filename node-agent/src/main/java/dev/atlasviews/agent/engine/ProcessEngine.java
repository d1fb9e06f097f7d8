// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Optional;

/**
 * Reconciles processes with the layers they should have. One process is worked on by one caller at a time, other
 * programs included; different processes are independent.
 */
public final class ProcessEngine {
    private final ViewDevice device;
    private final Unwinder unwinder;
    private final LayerStore store;
    private final PatchFormat format;

    /** How a patch file is read. */
    @FunctionalInterface
    public interface PatchFormat {
        /**
         * Reads a patch.
         *
         * @throws IOException if it is none
         */
        dev.atlasviews.agent.patch.Patch read(byte[] file) throws IOException;
    }

    /**
     * An engine.
     *
     * @param store where applied patches are remembered
     */
    public ProcessEngine(
            final ViewDevice device, final Unwinder unwinder, final LayerStore store, final PatchFormat format) {
        this.device = device;
        this.unwinder = unwinder;
        this.store = store;
        this.format = format;
    }

    /**
     * Makes a process what it should be, as far as its threads allow within the deadline.
     *
     * @param progress is told of each thread that moves
     * @throws IOException if the module or the machine fails; whatever the process does is a report
     */
    public ProcessReport reconcile(final TargetProcess process, final Desired desired, final Progress progress)
            throws IOException {
        try (FileChannel _ = store.lock(process.pid(), process.startTime());
                ProcessViews views = device.attach(process.pid())) {
            return process.alive()
                    ? new Reconciliation(process, views, new Layers(process, views), desired, progress).run()
                    : ProcessReport.exited(process.pid(), process.startTime());
        } catch (final IOException e) {
            return exitedOr(process, e);
        }
    }

    /** How a process is, without changing anything. */
    public ProcessReport inspect(final TargetProcess process) throws IOException {
        try (ProcessViews views = device.attach(process.pid())) {
            return Reconciliation.inspect(process, views, store);
        } catch (final IOException e) {
            return exitedOr(process, e);
        }
    }

    /** The layers of the process' views, lowest first, as far as the store knows their patches. */
    public List<Layer> layers(final TargetProcess process) throws IOException {
        try (ProcessViews views = device.attach(process.pid())) {
            final List<Layer> layers = new java.util.ArrayList<>();
            for (final String digest : Reconciliation.digests(views, store)) {
                stored(digest).ifPresent(layers::add);
            }
            return List.copyOf(layers);
        } catch (final ViewException e) {
            if (e.gone()) {
                return List.of();
            }
            throw e;
        }
    }

    private Optional<Layer> stored(final String digest) throws IOException {
        final Optional<byte[]> file = store.patch(digest);
        return file.isPresent() ? Optional.of(Layer.of(format.read(file.get()))) : Optional.empty();
    }

    private static ProcessReport exitedOr(final TargetProcess process, final IOException e) throws IOException {
        if ((e instanceof ViewException refused && refused.gone()) || !process.alive()) {
            return ProcessReport.exited(process.pid(), process.startTime());
        }
        throw e;
    }

    /** What a reconciliation asks the engine for. */
    final class Layers {
        private final LayerLinker linker;

        Layers(final TargetProcess process, final ProcessViews views) throws IOException {
            this.linker = new LayerLinker(process, views);
        }

        LayerLinker linker() {
            return linker;
        }

        LayerStore store() {
            return store;
        }

        Unwinder unwinder() {
            return unwinder;
        }

        Optional<Layer> stored(final String digest) throws IOException {
            return ProcessEngine.this.stored(digest);
        }
    }
}

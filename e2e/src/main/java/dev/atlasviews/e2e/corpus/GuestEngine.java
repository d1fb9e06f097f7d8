// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.corpus;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.LayerStack;
import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.agent.engine.ProcessReport.State;
import dev.atlasviews.agent.engine.Progress;
import dev.atlasviews.agent.engine.ThreadReport;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.ProcessViews;
import dev.atlasviews.agent.views.ViewDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The node agent's engine, for processes of this machine. */
public final class GuestEngine implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private final ViewDevice device;
    private final Unwinder unwinder = new Unwinder();
    private final LayerStore store;
    private final ProcessEngine engine;

    private GuestEngine(final ViewDevice device, final LayerStore store) {
        this.device = device;
        this.store = store;
        this.engine = new ProcessEngine(device::attach, unwinder, store);
    }

    /** The engine, ready to work: its first patch takes no longer than the others. */
    public static GuestEngine open(final Path state) throws IOException {
        final GuestEngine engine = new GuestEngine(ViewDevice.open(), new LayerStore(state));
        if (!engine.unwinder.start()) {
            engine.close();
            throw new IOException("the helper that unwinds stacks does not start");
        }
        return engine;
    }

    /** Reads a patch file, which is remembered, as the agent does. */
    public Layer layer(final byte[] file) throws IOException {
        store.putPatch(file);
        return Layer.of(PatchReader.read(file));
    }

    /** The patches of a fix for all targets of a package that it changes. */
    public List<Layer> layers(final CorpusFiles files, final CorpusPackage recipe, final String fix)
            throws IOException {
        final List<Layer> layers = new ArrayList<>();
        for (final String target : recipe.targets()) {
            final Path patch = files.patch(fix, Path.of(target));
            if (Files.exists(patch)) {
                layers.add(layer(Files.readAllBytes(patch)));
            }
        }
        return layers;
    }

    /** Gives the processes these layers, thread by thread, and prints what happens. */
    List<ProcessReport> reconcile(final List<TargetProcess> processes, final List<Layer> layers) throws IOException {
        return reconcile(processes, layers, Desired.Scope.THREAD, process -> new Lines(process.pid()));
    }

    /**
     * Gives the processes these layers, and waits until their threads have them or the deadline is over.
     *
     * @param scope what moves together
     * @param progress gets what happens to a process
     */
    public List<ProcessReport> reconcile(
            final List<TargetProcess> processes,
            final List<Layer> layers,
            final Desired.Scope scope,
            final Function<TargetProcess, Progress> progress)
            throws IOException {
        final Desired desired = new Desired(layers, List.of(), scope, DEADLINE, Desired.OnDeadline.REVERT);
        final List<ProcessReport> reports = new ArrayList<>();
        for (final TargetProcess process : processes) {
            reports.add(engine.reconcile(process, desired, progress.apply(process)));
        }
        return reports;
    }

    /** The module's side of a process: what it counts of it stays for as long as this is open. */
    public ProcessViews attach(final TargetProcess process) throws IOException {
        return device.attach(process.pid());
    }

    /** Whether every thread of a process runs these layers and no others. */
    public boolean runs(final TargetProcess process, final List<String> digests) throws IOException {
        final ProcessReport report = engine.inspect(process);
        return report.state() != State.EXITED
                && report.threads().stream()
                        .map(ThreadReport::stack)
                        .allMatch(stack -> stack != null && stack.digests().equals(digests));
    }

    @Override
    public void close() {
        unwinder.close();
        device.close();
    }

    /** Says what happens to a process, a line for each step. */
    private record Lines(long pid) implements Progress {
        @Override
        public void viewReady(final int view, final LayerStack stack, final Duration took) {
            System.out.println("  %d: view %d is ready after %d ms".formatted(pid, view, took.toMillis()));
        }

        @Override
        public void moved(final int tid, final String name, final Duration after) {
            System.out.println("  %d: thread %d %s moved after %d ms".formatted(pid, tid, name, after.toMillis()));
        }

        @Override
        public void held(final int tid, final String name, final String by) {
            System.out.println("  %d: thread %d %s is held: %s".formatted(pid, tid, name, by));
        }
    }
}

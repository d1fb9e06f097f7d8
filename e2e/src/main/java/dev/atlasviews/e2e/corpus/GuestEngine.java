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
import dev.atlasviews.agent.views.ViewDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The node agent's engine, for processes of this machine. */
final class GuestEngine implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private final ViewDevice device;
    private final Unwinder unwinder = new Unwinder();
    private final LayerStore store;
    private final ProcessEngine engine;

    private GuestEngine(final ViewDevice device, final LayerStore store) {
        this.device = device;
        this.store = store;
        this.engine = new ProcessEngine(device::attach, unwinder, store, PatchReader::read);
    }

    /** The engine, ready to work: its first patch takes no longer than the others. */
    static GuestEngine open(final Path state) throws IOException {
        final GuestEngine engine = new GuestEngine(ViewDevice.open(), new LayerStore(state));
        if (!engine.unwinder.start()) {
            engine.close();
            throw new IOException("the helper that unwinds stacks does not start");
        }
        return engine;
    }

    /** Reads a patch file, which is remembered, as the agent does. */
    Layer layer(final byte[] file) throws IOException {
        store.putPatch(file);
        return Layer.of(PatchReader.read(file));
    }

    /** Gives the processes these layers, and waits until their threads have them or the deadline is over. */
    List<ProcessReport> reconcile(final List<TargetProcess> processes, final List<Layer> layers) throws IOException {
        final Desired desired =
                new Desired(layers, List.of(), Desired.Scope.THREAD, DEADLINE, Desired.OnDeadline.REVERT);
        final List<ProcessReport> reports = new ArrayList<>();
        for (final TargetProcess process : processes) {
            reports.add(engine.reconcile(process, desired, new Lines(process.pid())));
        }
        return reports;
    }

    /** Whether every thread of a process runs these layers and no others. */
    boolean runs(final TargetProcess process, final List<String> digests) throws IOException {
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

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.engine.ViewLayers;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.util.List;

/** The engine of this machine, for the time of one command. */
final class LocalEngine implements AutoCloseable {
    private final ViewDevice device;
    private final Unwinder unwinder = new Unwinder();
    private final ProcessEngine engine;

    private LocalEngine(final ViewDevice device, final LayerStore store) {
        this.device = device;
        this.engine = new ProcessEngine(device::attach, unwinder, store);
    }

    static LocalEngine open(final LayerStore store) throws IOException {
        try {
            return new LocalEngine(ViewDevice.open(), store);
        } catch (final ViewException e) {
            throw new IOException(advice(e), e);
        }
    }

    ProcessEngine engine() {
        return engine;
    }

    /**
     * The layers that a process has.
     *
     * @throws IOException if the patch of one can not be read: no view could be built in which it stays
     */
    List<Layer> layers(final TargetProcess process) throws IOException {
        final ViewLayers layers = engine.layers(process);
        if (!layers.lost().isEmpty()) {
            throw new IOException(
                    "process %d has patch %s, whose file is not in the state directory: \"atlas revert\" without --digest takes all patches back"
                            .formatted(process.pid(), layers.lost().getFirst()));
        }
        return layers.known();
    }

    @Override
    public void close() {
        unwinder.close();
        device.close();
    }

    private static String advice(final ViewException e) {
        return switch (e.errno()) {
            case Errno.ENOENT, Errno.ENODEV ->
                "the kernel module is not loaded (no %s): insmod atlas.ko as root".formatted(ViewDevice.PATH);
            case Errno.EACCES, Errno.EPERM -> "this needs root: run it with sudo (" + e.getMessage() + ")";
            default -> String.valueOf(e.getMessage());
        };
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.engine.LayerStore;
import dev.atlasviews.agent.engine.ProcessEngine;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.quiescence.Unwinder;
import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;

/** The engine of this machine, for the time of one command. */
final class LocalEngine implements AutoCloseable {
    private final ViewDevice device;
    private final Unwinder unwinder = new Unwinder();
    private final ProcessEngine engine;

    private LocalEngine(final ViewDevice device, final LayerStore store) {
        this.device = device;
        this.engine = new ProcessEngine(device::attach, unwinder, store, PatchReader::read);
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

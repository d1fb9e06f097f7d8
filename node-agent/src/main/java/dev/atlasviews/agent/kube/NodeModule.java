// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel module of this node: loaded when it is not, from a file that was built for the running kernel. */
final class NodeModule {
    private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");

    private final Path directory;

    /** Modules lie in {@code DIRECTORY/RELEASE/atlas.ko}. */
    NodeModule(final Path directory) {
        this.directory = directory;
    }

    static String release() throws IOException {
        return Files.readString(RELEASE).trim();
    }

    /**
     * The device, with the module loaded. On nodes that share a kernel another agent may load it at the same time.
     *
     * @throws IOException if the module can not be had: says why
     */
    ViewDevice open() throws IOException {
        try {
            return ViewDevice.open();
        } catch (final ViewException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
        load();
        return ViewDevice.open();
    }

    private void load() throws IOException {
        final Path file = directory.resolve(release()).resolve("atlas.ko");
        if (!Files.exists(file)) {
            throw new IOException("there is no module for kernel %s (%s)".formatted(release(), file));
        }
        try {
            ViewDevice.loadModule(file);
        } catch (final ViewException e) {
            if (e.errno() != Errno.EEXIST) {
                throw new IOException("the kernel refused %s, its log says why: %s".formatted(file, e.getMessage()), e);
            }
        }
    }
}

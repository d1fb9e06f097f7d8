// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.agent.views.ViewModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel module of this node: loaded when it is not, from a file that was built for the running kernel. */
final class NodeModule implements ModuleSearch.Opening {
    private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");

    private final Path directory;

    /** Modules lie in {@code DIRECTORY/RELEASE/atlas.ko}. */
    NodeModule(final Path directory) {
        this.directory = directory;
    }

    static String release() throws IOException {
        return Files.readString(RELEASE).trim();
    }

    /** On nodes that share a kernel another agent may load it at the same time. */
    @Override
    public ViewModule open() throws IOException {
        try {
            return ViewDevice.open();
        } catch (final ViewException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENODEV) {
                throw unusable(e);
            }
        }
        load();
        try {
            return ViewDevice.open();
        } catch (final ViewException e) {
            throw unusable(e);
        }
    }

    private void load() throws IOException {
        final Path file = directory.resolve(release()).resolve("atlas.ko");
        if (!Files.exists(file)) {
            throw new IOException("there is no module for kernel %s (%s): use an agent image that has one for it"
                    .formatted(release(), file));
        }
        try {
            ViewDevice.loadModule(file);
        } catch (final ViewException e) {
            if (e.errno() != Errno.EEXIST) {
                throw new IOException(refusal(file, e), e);
            }
        }
    }

    /** What the kernel's refusal to load a file means. */
    static String refusal(final Path file, final ViewException e) {
        final String todo = e.errno() == Errno.EPERM || e.errno() == Errno.EACCES
                ? "the agent's container has to be privileged, and the kernel to load modules at all"
                        + " (kernel.modules_disabled, lockdown)"
                : "the kernel's log says why, such as a module of another build, or a signature that Secure Boot asks"
                        + " for";
        return "the kernel refused %s: %s: %s".formatted(file, e.getMessage(), todo);
    }

    /** Why a module that is loaded is of no use. */
    static IOException unusable(final ViewException e) {
        final String todo = switch (e.errno()) {
            case EOPNOTSUPP ->
                "use the agent that belongs to the loaded module; or, once no process of the node is patched,"
                        + " unload it (rmmod atlas), and the agent loads its own";
            case EPERM, EACCES -> "the agent's container has to be privileged";
            default -> "the kernel's log may say why";
        };
        return new IOException("%s: %s".formatted(e.getMessage(), todo), e);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.views.Errno;
import dev.atlasviews.agent.views.ViewDevice;
import dev.atlasviews.agent.views.ViewException;
import dev.atlasviews.agent.views.ViewModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The kernel module of this node: loaded when it is not, from a file that was built for the running kernel. Of several, the
 * first that the kernel takes.
 */
final class NodeModule implements ModuleSearch.Opening {
    private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");
    private static final int LONGEST_REASON = 500;

    private final List<Path> directories;

    /**
     * Modules lie in {@code DIRECTORY/RELEASE/atlas.ko}. Where one could not be built, {@code DIRECTORY/RELEASE/refusal} says
     * why.
     */
    NodeModule(final List<Path> directories) {
        this.directories = directories;
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
        final String release = release();
        final List<String> reasons = new ArrayList<>();
        for (final Path directory : directories) {
            final Path file = directory.resolve(release).resolve("atlas.ko");
            if (Files.exists(file)) {
                try {
                    ViewDevice.loadModule(file);
                    return;
                } catch (final ViewException e) {
                    if (e.errno() == Errno.EEXIST) {
                        return;
                    }
                    reasons.add(refusal(file, e));
                }
            }
        }
        throw new IOException(absence(release, reasons));
    }

    /**
     * Why there is no module for a kernel: what it said of those that were tried, and why none was built; where it was looked
     * for, if there is nothing else to say.
     */
    String absence(final String release, final List<String> tried) throws IOException {
        final List<String> reasons = new ArrayList<>(tried);
        for (final Path directory : directories) {
            final Path file = directory.resolve(release).resolve("refusal");
            if (Files.exists(file)) {
                final String reason = Files.readString(file).strip();
                reasons.add(reason.substring(0, Math.min(reason.length(), LONGEST_REASON)));
            }
        }
        return reasons.isEmpty()
                ? "there is no module for kernel %s in %s: use an agent image that has one for it, or let the nodes build it (agent.module.build)"
                        .formatted(
                                release,
                                directories.stream().map(Path::toString).collect(Collectors.joining(" or ")))
                : String.join("; ", reasons);
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

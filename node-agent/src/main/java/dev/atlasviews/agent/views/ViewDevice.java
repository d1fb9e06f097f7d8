// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/** The module's device. */
public final class ViewDevice implements ViewModule {
    /** Where the module's device is. */
    public static final String PATH = "/dev/atlas";
    /** The version of {@code atlas.h} that this binding follows. */
    public static final int UAPI_VERSION = 1;

    private final int fd;

    private ViewDevice(final int fd) {
        this.fd = fd;
    }

    /**
     * Opens the device.
     *
     * @throws ViewException ENOENT: the module is not loaded; EACCES or EPERM: root is needed; EOPNOTSUPP: the module
     *     speaks another version of the interface
     */
    public static ViewDevice open() throws ViewException {
        final ViewDevice device = new ViewDevice(Libc.open(PATH, Libc.O_RDWR));
        try {
            final int version = device.info().uapiVersion();
            if (version != UAPI_VERSION) {
                throw new ViewException(
                        "the module speaks version " + version + " of the interface, this program version "
                                + UAPI_VERSION,
                        Errno.EOPNOTSUPP);
            }
            return device;
        } catch (final ViewException e) {
            device.close();
            throw e;
        }
    }

    /**
     * Loads the module.
     *
     * @param file built for the running kernel
     * @throws ViewException EEXIST: it is loaded; EPERM: root is needed; else the kernel's log says why
     */
    public static void loadModule(final Path file) throws ViewException {
        final int fd = Libc.open(file.toString(), Libc.O_RDONLY);
        try {
            Libc.loadModule(fd, "load " + file);
        } finally {
            Libc.close(fd);
        }
    }

    @Override
    public ModuleInfo info() throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final Struct info = Struct.of(Layouts.INFO, arena);
            Libc.ioctl(fd, Request.INFO, info.segment(), "ask the module for its version");
            return ModuleInfo.from(info);
        }
    }

    @Override
    public ProcessViews attach(final long pid) throws ViewException {
        final int pidfd = Libc.pidfdOpen(pid);
        try (Arena arena = Arena.ofConfined()) {
            final Struct attach = Struct.of(Layouts.ATTACH, arena).with("pidfd", pidfd);
            return new KernelViews(pid, Libc.ioctl(fd, Request.ATTACH, attach.segment(), "attach to process " + pid));
        } finally {
            Libc.close(pidfd);
        }
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.io.IOException;
import java.io.Serial;

/** The kernel refused an operation: which one, on what, and with which error. */
public final class ViewException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    ViewException(final String operation, final int errno) {
        super(operation + ": " + (Errno.of(errno) == Errno.OTHER ? "errno " + errno : Errno.of(errno)));
        this.errno = Errno.of(errno);
    }

    /** A refusal found on this side of the interface. */
    public ViewException(final String message, final Errno errno) {
        super(message);
        this.errno = errno;
    }

    /** The kernel's error; its meaning per operation stands in {@code atlas.h}. */
    public Errno errno() {
        return errno;
    }

    /** Whether the process or the thread is gone, which ends the work on it and is no failure. */
    public boolean gone() {
        return errno == Errno.ESRCH;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/** The error numbers of Linux on x86-64 that the module and the calls around it give. */
public enum Errno {
    EPERM(1),
    ENOENT(2),
    ESRCH(3),
    EINTR(4),
    EIO(5),
    E2BIG(7),
    EBADF(9),
    EAGAIN(11),
    ENOMEM(12),
    EACCES(13),
    EFAULT(14),
    EBUSY(16),
    EEXIST(17),
    ENODEV(19),
    EINVAL(22),
    EMFILE(24),
    ENOTTY(25),
    ENOSPC(28),
    ERANGE(34),
    ENOSYS(38),
    EOVERFLOW(75),
    EOPNOTSUPP(95),
    ETIMEDOUT(110),
    /** Any other number; the exception's message has it. */
    OTHER(-1);

    private final int number;

    Errno(final int number) {
        this.number = number;
    }

    static Errno of(final int number) {
        for (final Errno errno : values()) {
            if (errno.number == number) {
                return errno;
            }
        }
        return OTHER;
    }
}

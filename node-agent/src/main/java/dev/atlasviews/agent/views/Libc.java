// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Arrays;

/** The handful of libc calls that reach the module, each with its error number. */
final class Libc {
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;
    private static final short POLLIN = 1;
    private static final long SYS_FINIT_MODULE = 313;
    private static final long SYS_PIDFD_OPEN = 434;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final StructLayout POLLFD =
            MemoryLayout.structLayout(JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT);

    private static final MethodHandle OPEN =
            call("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle IOCTL = call(
            "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle READ =
            call("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle POLL =
            call("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SYSCALL = call(
            "syscall",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));

    private Libc() {}

    static int open(final String path, final int access) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            final int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path), access | O_CLOEXEC);
            return checked(fd, state, "open " + path);
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    static int pidfdOpen(final long pid) throws ViewException {
        return system(SYS_PIDFD_OPEN, pid, 0, "open process " + pid);
    }

    static void loadModule(final int fd, final String operation) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            system(SYS_FINIT_MODULE, fd, arena.allocateFrom("").address(), operation);
        }
    }

    static void close(final int fd) {
        try (Arena arena = Arena.ofConfined()) {
            final int ignored = (int) CLOSE.invokeExact(arena.allocate(CALL_STATE), fd);
        } catch (final Throwable e) {
            throw new LinkageError("close", e);
        }
    }

    static int ioctl(final int fd, final Request request, final MemorySegment argument, final String operation)
            throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            int result;
            do {
                result = (int) IOCTL.invokeExact(state, fd, request.code(), argument);
            } while (result < 0 && errno(state) == Errno.EINTR);
            return checked(result, state, operation);
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    /** Reads what is there; 0 when nothing is. */
    static long read(final int fd, final MemorySegment buffer, final String operation) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            final long count = (long) READ.invokeExact(state, fd, buffer, buffer.byteSize());
            if (count < 0 && (errno(state) == Errno.EAGAIN || errno(state) == Errno.EINTR)) {
                return 0;
            }
            return checked((int) count, state, operation);
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    /** Whether the descriptor became readable within the timeout. */
    static boolean awaitReadable(final int fd, final Duration timeout) throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            final MemorySegment descriptor = arena.allocate(POLLFD);
            descriptor.set(JAVA_INT, 0, fd);
            descriptor.set(JAVA_SHORT, 4, POLLIN);
            final int millis = (int) Math.min(timeout.toMillis(), Integer.MAX_VALUE);
            final int ready = (int) POLL.invokeExact(state, descriptor, 1L, millis);
            if (ready < 0 && errno(state) == Errno.EINTR) {
                return false;
            }
            return checked(ready, state, "poll") > 0;
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    private static int system(final long number, final long first, final long second, final String operation)
            throws ViewException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            final long result = (long) SYSCALL.invokeExact(state, number, first, second, 0L);
            return checked((int) result, state, operation);
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    private static int checked(final int result, final MemorySegment state, final String operation)
            throws ViewException {
        if (result < 0) {
            throw new ViewException(operation, (int) ERRNO.get(state, 0L));
        }
        return result;
    }

    private static Errno errno(final MemorySegment state) {
        return Errno.of((int) ERRNO.get(state, 0L));
    }

    /** Method handles declare Throwable; only our own exception can really come out of a native call. */
    private static ViewException unexpected(final Throwable e) {
        if (e instanceof ViewException refused) {
            return refused;
        }
        throw new LinkageError("native call failed", e);
    }

    private static MethodHandle call(
            final String name, final FunctionDescriptor descriptor, final Linker.Option... options) {
        final Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
        all[options.length] = Linker.Option.captureCallState("errno");
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, all);
    }
}

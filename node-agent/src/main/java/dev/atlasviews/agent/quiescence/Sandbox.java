// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Gives up what the helper does not need: user and groups of root (and with them every capability, in all threads, which
 * is what libc's setters guarantee), new privileges, core files, written files, and memory without end.
 */
final class Sandbox {
    /**
     * User and group that nothing else runs as, not even as who is nobody: the helper sees all processes of the node, and might
     * signal those of its own user. Close below 2^31 distributions, user namespaces and container platforms hand out none.
     */
    static final int NOBODY_ELSE = 2_147_450_011;

    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final int PR_SET_DUMPABLE = 4;
    private static final int RLIMIT_FSIZE = 1;
    private static final int RLIMIT_CORE = 4;
    private static final int RLIMIT_AS = 9;
    private static final long MEMORY = 4L << 30;

    private Sandbox() {}

    static void enter() throws Throwable {
        require(
                (int) call("prctl", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG)
                        .invokeExact(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L),
                "no new privileges");
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_FSIZE, 0);
        limit(RLIMIT_AS, MEMORY);
        if ((int) call("geteuid").invokeExact() == 0) {
            require((int) call("setgroups", JAVA_LONG, ADDRESS).invokeExact(0L, MemorySegment.NULL), "drop groups");
            require(
                    (int) call("setresgid", JAVA_INT, JAVA_INT, JAVA_INT)
                            .invokeExact(NOBODY_ELSE, NOBODY_ELSE, NOBODY_ELSE),
                    "change group");
            require(
                    (int) call("setresuid", JAVA_INT, JAVA_INT, JAVA_INT)
                            .invokeExact(NOBODY_ELSE, NOBODY_ELSE, NOBODY_ELSE),
                    "change user");
        }
        require(
                (int) call("prctl", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG)
                        .invokeExact(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L),
                "be not dumpable");
    }

    private static void limit(final int resource, final long most) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment limit = arena.allocateFrom(JAVA_LONG, most, most);
            require((int) call("setrlimit", JAVA_INT, ADDRESS).invokeExact(resource, limit), "set a limit");
        }
    }

    private static void require(final int result, final String what) {
        if (result != 0) {
            throw new IllegalStateException("the helper could not " + what);
        }
    }

    private static MethodHandle call(final String name, final MemoryLayout... arguments) {
        final Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }
}

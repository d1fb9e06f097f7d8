// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/** The part of elfutils' libdw and libelf that unwinds a stack; see {@code elfutils/libdwfl.h}. */
@SuppressWarnings({"UnusedMethod", "UnusedVariable"}) // callbacks, found by name; libdw fixes their shapes
final class Libdw {
    static final int CALLBACK_OK = 0;
    static final int CALLBACK_ABORT = 1;
    private static final int ELF_VERSION = 1;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MemoryLayout FOUR_POINTERS = MemoryLayout.sequenceLayout(4, ADDRESS);
    private static final MemoryLayout SIX_POINTERS = MemoryLayout.sequenceLayout(6, ADDRESS);

    private final SymbolLookup libdw = SymbolLookup.libraryLookup("libdw.so.1", Arena.global());
    private final SymbolLookup libelf = SymbolLookup.libraryLookup("libelf.so.1", Arena.global());

    private final MethodHandle elfMemory = call(libelf, "elf_memory", ADDRESS, ADDRESS, JAVA_LONG);
    private final MethodHandle begin = call(libdw, "dwfl_begin", ADDRESS, ADDRESS);
    private final MethodHandle reportModule =
            call(libdw, "dwfl_report_module", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG);
    private final MethodHandle reportEnd = call(libdw, "dwfl_report_end", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    private final MethodHandle attachState =
            call(libdw, "dwfl_attach_state", JAVA_BOOLEAN, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    private final MethodHandle threadFrames =
            call(libdw, "dwfl_getthread_frames", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    private final MethodHandle framePc = call(libdw, "dwfl_frame_pc", JAVA_BOOLEAN, ADDRESS, ADDRESS, ADDRESS);
    private final MethodHandle stateRegisters =
            call(libdw, "dwfl_thread_state_registers", JAVA_BOOLEAN, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    private final MethodHandle moduleAt = call(libdw, "dwfl_addrmodule", ADDRESS, ADDRESS, JAVA_LONG);
    private final MethodHandle unwindTable = call(libdw, "dwfl_module_eh_cfi", ADDRESS, ADDRESS, ADDRESS);
    private final MethodHandle frameRules = call(libdw, "dwarf_cfi_addrframe", JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS);
    private final MethodHandle errorNumber = call(libdw, "dwfl_errno", JAVA_INT);
    private final MethodHandle errorMessage = call(libdw, "dwfl_errmsg", ADDRESS, JAVA_INT);
    private final MethodHandle end =
            LINKER.downcallHandle(libdw.findOrThrow("dwfl_end"), FunctionDescriptor.ofVoid(ADDRESS));
    private final MethodHandle free =
            LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ADDRESS));

    private final MemorySegment callbacks = Arena.global().allocate(FOUR_POINTERS);
    private final MemorySegment threadCallbacks = Arena.global().allocate(SIX_POINTERS);
    private final MemorySegment frameCallback;

    /** What libdw asks while it unwinds. */
    interface Target {
        /** The ELF image of the module at this address, or null. */
        @Nullable
        MemorySegment image(long start);

        /** The word at this address of the stack, or null. */
        @Nullable
        Long word(long address);

        /** Registers 0 … 16 by DWARF number. */
        long[] registers();

        /** A frame was found; returns whether to go on. */
        boolean frame(MemorySegment frame);
    }

    private final Target target;

    Libdw(final Target target) throws Throwable {
        this.target = target;
        final int version =
                (int) call(libelf, "elf_version", JAVA_INT, JAVA_INT).invokeExact(ELF_VERSION);
        if (version != ELF_VERSION) {
            throw new LinkageError("libelf does not know ELF version " + ELF_VERSION);
        }
        callbacks.setAtIndex(
                ADDRESS, 0, upcall("findElf", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));
        callbacks.setAtIndex(
                ADDRESS,
                1,
                upcall(
                        "findDebugInfo",
                        JAVA_INT,
                        ADDRESS,
                        ADDRESS,
                        ADDRESS,
                        JAVA_LONG,
                        ADDRESS,
                        ADDRESS,
                        JAVA_INT,
                        ADDRESS));
        threadCallbacks.setAtIndex(ADDRESS, 0, upcall("nextThread", JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
        threadCallbacks.setAtIndex(ADDRESS, 1, upcall("getThread", JAVA_BOOLEAN, ADDRESS, JAVA_INT, ADDRESS, ADDRESS));
        threadCallbacks.setAtIndex(
                ADDRESS,
                2,
                upcall("readMemory", JAVA_BOOLEAN, ADDRESS, JAVA_LONG, ADDRESS.withTargetLayout(JAVA_LONG), ADDRESS));
        threadCallbacks.setAtIndex(ADDRESS, 3, upcall("setRegisters", JAVA_BOOLEAN, ADDRESS, ADDRESS));
        frameCallback = upcall("frame", JAVA_INT, ADDRESS, ADDRESS);
    }

    MemorySegment begin() throws Throwable {
        return (MemorySegment) begin.invokeExact(callbacks);
    }

    void end(final MemorySegment session) throws Throwable {
        end.invokeExact(session);
    }

    boolean reportModule(final MemorySegment session, final MemorySegment name, final long start, final long after)
            throws Throwable {
        final MemorySegment module = (MemorySegment) reportModule.invokeExact(session, name, start, after);
        return module.address() != 0;
    }

    void reportEnd(final MemorySegment session) throws Throwable {
        final int ignored = (int) reportEnd.invokeExact(session, MemorySegment.NULL, MemorySegment.NULL);
    }

    boolean attach(final MemorySegment session) throws Throwable {
        return (boolean) attachState.invokeExact(session, MemorySegment.NULL, 1, threadCallbacks, MemorySegment.NULL);
    }

    /** Reports every frame to the target; 0 when the outermost one was reached. */
    int frames(final MemorySegment session) throws Throwable {
        return (int) threadFrames.invokeExact(session, 1, frameCallback, MemorySegment.NULL);
    }

    /** An address inside the instruction that the frame executes; null if it has none. */
    @Nullable
    Long executing(final MemorySegment frame) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment pc = arena.allocate(JAVA_LONG);
            final MemorySegment activation = arena.allocate(JAVA_BOOLEAN);
            if (!(boolean) framePc.invokeExact(frame, pc, activation)) {
                return null;
            }
            return activation.get(JAVA_BOOLEAN, 0) ? pc.get(JAVA_LONG, 0) : pc.get(JAVA_LONG, 0) - 1;
        }
    }

    /** Whether an unwind table describes the address: without one, libdw would guess by frame pointers. */
    boolean described(final MemorySegment session, final long address) throws Throwable {
        final MemorySegment module = (MemorySegment) moduleAt.invokeExact(session, address);
        if (module.address() == 0) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment bias = arena.allocate(JAVA_LONG);
            final MemorySegment table = (MemorySegment) unwindTable.invokeExact(module, bias);
            if (table.address() == 0) {
                return false;
            }
            final MemorySegment rules = arena.allocate(ADDRESS);
            if ((int) frameRules.invokeExact(table, address - bias.get(JAVA_LONG, 0), rules) != 0) {
                return false;
            }
            free.invokeExact(rules.get(ADDRESS, 0));
            return true;
        }
    }

    /** What went wrong last. */
    String error() throws Throwable {
        final MemorySegment text = (MemorySegment) errorMessage.invokeExact((int) errorNumber.invokeExact());
        return text.address() == 0 ? "no reason given" : text.reinterpret(256).getString(0);
    }

    // What follows is called by libdw. Nothing may be thrown through native code, so nothing here throws.

    private int findElf(
            final MemorySegment module,
            final MemorySegment userData,
            final MemorySegment name,
            final long start,
            final MemorySegment fileName,
            final MemorySegment elf) {
        final MemorySegment image = target.image(start);
        if (image != null) {
            try {
                final MemorySegment handle = (MemorySegment) elfMemory.invokeExact(image, image.byteSize());
                elf.reinterpret(ADDRESS.byteSize()).set(ADDRESS, 0, handle);
            } catch (final Throwable e) {
                return -1;
            }
        }
        return -1;
    }

    private int findDebugInfo(
            final MemorySegment module,
            final MemorySegment userData,
            final MemorySegment name,
            final long start,
            final MemorySegment fileName,
            final MemorySegment link,
            final int checksum,
            final MemorySegment debugFileName) {
        return -1;
    }

    private int nextThread(final MemorySegment session, final MemorySegment arg, final MemorySegment threadArg) {
        return 0;
    }

    private boolean getThread(
            final MemorySegment session, final int tid, final MemorySegment arg, final MemorySegment threadArg) {
        return true;
    }

    private boolean readMemory(
            final MemorySegment session, final long address, final MemorySegment result, final MemorySegment arg) {
        final Long word = target.word(address);
        if (word == null) {
            return false;
        }
        result.set(JAVA_LONG, 0, word);
        return true;
    }

    private boolean setRegisters(final MemorySegment thread, final MemorySegment arg) {
        try (Arena arena = Arena.ofConfined()) {
            final long[] registers = target.registers();
            return (boolean)
                    stateRegisters.invokeExact(thread, 0, registers.length, arena.allocateFrom(JAVA_LONG, registers));
        } catch (final Throwable e) {
            return false;
        }
    }

    private int frame(final MemorySegment frame, final MemorySegment arg) {
        return target.frame(frame) ? CALLBACK_OK : CALLBACK_ABORT;
    }

    private static MethodHandle call(
            final SymbolLookup library, final String name, final MemoryLayout result, final MemoryLayout... arguments) {
        return LINKER.downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(result, arguments));
    }

    private MemorySegment upcall(final String name, final MemoryLayout result, final MemoryLayout... arguments)
            throws ReflectiveOperationException {
        final FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
        final MethodType type = descriptor.toMethodType();
        final MethodHandle method = MethodHandles.lookup().bind(this, name, type);
        return LINKER.upcallStub(method, descriptor, Arena.global());
    }
}

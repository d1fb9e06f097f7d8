// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * How exceptions find their way through new code. No loaded object describes it, so in a patched view the unwinder's
 * {@code _Unwind_Find_FDE(pc, bases)} begins with a jump to a routine that knows the new functions, and for all other
 * code goes on as before. Nothing is registered, no code runs for the process, and the base view keeps its unwinder.
 *
 * <p>The routine is position-independent but for the way back, and ends with a table of function start, end and
 * description, 24 bytes each, ended by zeros:
 *
 * <pre>
 *   0  lea   table(%rip), %rax
 *   7  mov   (%rax), %rdx
 *  10  test  %rdx, %rdx
 *  13  je    56
 *  15  cmp   %rdx, %rdi
 *  18  jb    26
 *  20  cmp   8(%rax), %rdi
 *  24  jb    32
 *  26  add   $24, %rax
 *  30  jmp   7
 *  32  movq  $0, (%rsi)            bases->tbase, which this architecture does not use
 *  39  movq  $0, 8(%rsi)           bases->dbase
 *  47  mov   %rdx, 16(%rsi)        bases->func
 *  51  mov   16(%rax), %rax
 *  55  ret
 *  56  the instructions that the jump overwrote, then a jump behind them
 *  96  the table
 * </pre>
 *
 * <p>It changes only registers that a function may change (psABI 3.2.1), and no more of {@code bases} than the original.
 */
public final class UnwindRoutine {
    /** How many bytes of the unwinder's function are needed. */
    public static final int FINDER_BYTES = 32;

    /** End of the bytes of the unwinder's function that the jump may change, from the function's start. */
    public static final int JUMP_END = 9;

    private static final int JUMP_SIZE = 5;
    private static final int TABLE = 96;
    private static final int ENTRY = 3 * Long.BYTES;
    private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};
    private static final byte[] CODE = {
        0x48,
        (byte) 0x8d,
        0x05,
        TABLE - 7,
        0,
        0,
        0,
        0x48,
        (byte) 0x8b,
        0x10,
        0x48,
        (byte) 0x85,
        (byte) 0xd2,
        0x74,
        56 - 15,
        0x48,
        0x39,
        (byte) 0xd7,
        0x72,
        26 - 20,
        0x48,
        0x3b,
        0x78,
        0x08,
        0x72,
        32 - 26,
        0x48,
        (byte) 0x83,
        (byte) 0xc0,
        ENTRY,
        (byte) 0xeb,
        7 - 32,
        0x48,
        (byte) 0xc7,
        0x06,
        0,
        0,
        0,
        0,
        0x48,
        (byte) 0xc7,
        0x46,
        0x08,
        0,
        0,
        0,
        0,
        0x48,
        (byte) 0x89,
        0x56,
        0x10,
        0x48,
        (byte) 0x8b,
        0x40,
        0x10,
        (byte) 0xc3
    };

    private final long site;
    private final byte[] displaced;

    /**
     * For one unwinder.
     *
     * @param finder run-time address of its {@code _Unwind_Find_FDE}
     * @param code the function's first {@link #FINDER_BYTES} bytes
     * @throws PatchLinkException if it does not begin with instructions that can run elsewhere
     */
    public UnwindRoutine(final long finder, final byte[] code) throws PatchLinkException {
        int start = 0;
        if (code.length >= ENDBR64.length
                && ByteBuffer.wrap(code, 0, ENDBR64.length).equals(ByteBuffer.wrap(ENDBR64))) {
            start = ENDBR64.length;
        }
        int end = start;
        while (end < start + JUMP_SIZE) {
            final int length = movable(code, end);
            if (length == 0) {
                throw new PatchLinkException(
                        "the unwinder of the process is of an unknown kind: _Unwind_Find_FDE does not begin by saving"
                                + " registers");
            }
            end += length;
        }
        site = finder + start;
        displaced = Arrays.copyOfRange(code, start, end);
    }

    /** Length of an instruction that a function begins with and that means the same elsewhere; 0 for any other. */
    private static int movable(final byte[] code, final int at) {
        if (at + 7 > code.length) {
            return 0;
        }
        final int first = code[at] & 0xff;
        final int second = code[at + 1] & 0xff;
        final int third = code[at + 2] & 0xff;
        if ((first & 0xf8) == 0x50) {
            return 1; // push
        }
        if (first == 0x41 && (second & 0xf8) == 0x50) {
            return 2; // push of r8 to r15
        }
        if ((first & 0xf8) == 0x48 && (second == 0x89 || second == 0x8b) && third >= 0xc0) {
            return 3; // mov between registers
        }
        if (first == 0x48 && third == 0xec && (second == 0x83 || second == 0x81)) {
            return second == 0x83 ? 4 : 7; // sub of a constant from the stack pointer
        }
        return 0;
    }

    /** How long the routine is for these functions, in bytes. */
    public static int size(final List<LinkedPatch.Body> bodies) {
        return TABLE + ENTRY * (described(bodies).size() + 1);
    }

    /** Functions that have a description, in the order of their addresses. */
    public static List<LinkedPatch.Body> described(final List<LinkedPatch.Body> bodies) {
        return bodies.stream()
                .filter(body -> body.newFrame() != 0)
                .sorted(Comparator.comparingLong(LinkedPatch.Body::newStart))
                .toList();
    }

    /**
     * The routine for these functions.
     *
     * @param address where it will lie
     * @throws PatchLinkException if that is too far from the unwinder
     */
    public byte[] link(final long address, final List<LinkedPatch.Body> bodies) throws PatchLinkException {
        final ByteBuffer routine = ByteBuffer.allocate(size(bodies)).order(ByteOrder.LITTLE_ENDIAN);
        routine.put(CODE).put(displaced);
        routine.put(jump(address + routine.position(), site + displaced.length));
        routine.position(TABLE);
        for (final LinkedPatch.Body body : described(bodies)) {
            routine.putLong(body.newStart()).putLong(body.newEnd()).putLong(body.newFrame());
        }
        return routine.array();
    }

    /**
     * The jump to a routine that lies at an address.
     *
     * @throws PatchLinkException if that is too far away
     */
    public LinkedPatch.Jump jump(final long routine) throws PatchLinkException {
        return new LinkedPatch.Jump("_Unwind_Find_FDE", site, jump(site, routine));
    }

    private static byte[] jump(final long from, final long to) throws PatchLinkException {
        return PatchLinker.jump("_Unwind_Find_FDE", from, to).code();
    }
}

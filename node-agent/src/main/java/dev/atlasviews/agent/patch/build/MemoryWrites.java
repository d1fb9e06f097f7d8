// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

/**
 * Tells which instructions write to their memory operand.
 *
 * <p>Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A.
 */
final class MemoryWrites {
    private MemoryWrites() {}

    /** Whether an instruction with a memory operand writes to it. */
    static boolean writes(final Code code, final Instruction instruction) {
        final int opcode = instruction.opcode();
        final int operation = instruction.operation();
        return switch (opcode) {
            case 0x80, 0x81, 0x83 -> operation != 7; // all but cmp
            case 0x86, 0x87, 0x88, 0x89, 0x8f, 0xc6, 0xc7 -> true; // xchg, mov, pop
            case 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3 -> true; // shifts
            case 0xd9 -> operation == 2 || operation == 3 || operation >= 6;
            case 0xdb -> (operation >= 1 && operation <= 3) || operation == 7;
            case 0xdd, 0xdf -> (operation >= 1 && operation <= 3) || operation >= 6;
            case 0xf6, 0xf7 -> operation == 2 || operation == 3; // not, neg
            case 0xfe, 0xff -> operation <= 1; // inc, dec
            case 0x0f11, 0x0f13, 0x0f17, 0x0f29, 0x0f2b, 0x0f7f, 0x0fc3, 0x0fd6, 0x0fe7 -> true; // vectors
            case 0x0f7e -> !isRepeated(code, instruction); // else a load
            case 0x0fa4, 0x0fa5, 0x0fab, 0x0fac, 0x0fad, 0x0fb3, 0x0fbb -> true; // double shifts, bits
            case 0x0fba -> operation >= 5;
            case 0x0fb0, 0x0fb1, 0x0fc0, 0x0fc1 -> true; // cmpxchg, xadd
            case 0x0fc7 -> operation == 1;
            default ->
                (opcode >= 0 && opcode < 0x38 && (opcode & 7) <= 1) // arithmetic
                        || (opcode >= 0x0f90 && opcode <= 0x0f9f); // setcc
        };
    }

    /** Whether an instruction has the prefix {@code f3}, or what stands for it in VEX and EVEX. */
    private static boolean isRepeated(final Code code, final Instruction instruction) {
        final byte[] bytes = code.bytes();
        int at = instruction.start();
        for (; InstructionDecoder.isLegacyPrefix(bytes[at] & 0xff); at++) {
            if ((bytes[at] & 0xff) == 0xf3) {
                return true;
            }
        }
        return switch (bytes[at] & 0xff) {
            case 0xc5 -> (bytes[at + 1] & 3) == 2;
            case 0xc4, 0x62 -> (bytes[at + 2] & 3) == 2;
            default -> false;
        };
    }
}

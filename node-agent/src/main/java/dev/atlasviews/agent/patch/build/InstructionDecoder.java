// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds the boundaries of x86-64 instructions. It knows lengths and direct branches, nothing else; an opcode that 64-bit
 * code cannot contain is an error.
 *
 * <p>Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2 and appendix A.
 */
final class InstructionDecoder {
    /** Which bytes follow an opcode. One letter for each opcode of a map, sixteen to a row. */
    private static final String ONE_BYTE =
            // . none  m ModRM  1 2 4 immediate of so many bytes  z 2 or 4 by operand size  v 2, 4 or 8
            // b ModRM + 1 byte  y ModRM + z  j 8-bit branch  J 32-bit branch  C 32-bit call
            // a 8-byte address  e 2 + 1 bytes  3 F6 group  7 F7 group  5 FF group  x not in 64-bit code
            ("mmmm1zxxmmmm1zxx" // 00
                    + "mmmm1zxxmmmm1zxx" // 10
                    + "mmmm1zxxmmmm1zxx" // 20
                    + "mmmm1zxxmmmm1zxx" // 30
                    + "xxxxxxxxxxxxxxxx" // 40: REX, taken before
                    + "................" // 50
                    + "xxxmxxxxzy1b...." // 60
                    + "jjjjjjjjjjjjjjjj" // 70
                    + "byxbmmmmmmmmmmmm" // 80
                    + "..........x....." // 90
                    + "aaaa....1z......" // a0
                    + "11111111vvvvvvvv" // b0
                    + "bb2.xxbye.2..1x." // c0
                    + "mmmmxxx.mmmmmmmm" // d0
                    + "jjjj1111CJxj...." // e0
                    + "x.xx..37......m5"); // f0

    private static final String TWO_BYTE = "mmmmx.....x.xm.b" // 00
            + "mmmmmmmmmmmmmmmm" // 10
            + "mmmmxxxxmmmmmmmm" // 20
            + "......x.xxxxxxxx" // 30
            + "mmmmmmmmmmmmmmmm" // 40
            + "mmmmmmmmmmmmmmmm" // 50
            + "mmmmmmmmmmmmmmmm" // 60
            + "bbbbmmm.mmmmmmmm" // 70
            + "JJJJJJJJJJJJJJJJ" // 80
            + "mmmmmmmmmmmmmmmm" // 90
            + "...mbmxx...mbmmm" // a0
            + "mmmmmmmmmmbmmmmm" // b0
            + "mmbmbbbm........" // c0
            + "mmmmmmmmmmmmmmmm" // d0
            + "mmmmmmmmmmmmmmmm" // e0
            + "mmmmmmmmmmmmmmmm"; // f0

    private static final int MAX_LENGTH = 15;

    private final byte[] code;
    private int at;
    private boolean operandSize;
    private boolean wide;

    private InstructionDecoder(final byte[] code) {
        this.code = code;
    }

    /** Code that cannot be decoded. */
    static final class UnknownInstructionException extends Exception {
        private static final long serialVersionUID = 1;

        private final int offset;

        UnknownInstructionException(final int offset) {
            super("at offset " + offset);
            this.offset = offset;
        }

        int offset() {
            return offset;
        }
    }

    /** Decodes bytes that are instructions from the first to the last. */
    static List<Instruction> decode(final byte[] code) throws UnknownInstructionException {
        final InstructionDecoder decoder = new InstructionDecoder(code);
        final List<Instruction> instructions = new ArrayList<>();
        while (decoder.at < code.length) {
            instructions.add(decoder.next());
        }
        return instructions;
    }

    /** Decodes the one instruction at an offset. */
    static Instruction decode(final byte[] code, final int offset) throws UnknownInstructionException {
        final InstructionDecoder decoder = new InstructionDecoder(code);
        decoder.at = offset;
        return decoder.next();
    }

    private Instruction next() throws UnknownInstructionException {
        final int start = at;
        try {
            final Instruction instruction = instruction(start);
            if (instruction.end() - start > MAX_LENGTH) {
                throw new UnknownInstructionException(start);
            }
            return instruction;
        } catch (final ArrayIndexOutOfBoundsException e) {
            throw (UnknownInstructionException) new UnknownInstructionException(start).initCause(e);
        }
    }

    private Instruction instruction(final int start) throws UnknownInstructionException {
        operandSize = false;
        wide = false;
        int opcode = byteAt();
        while (isLegacyPrefix(opcode) && at - start < MAX_LENGTH) {
            operandSize |= opcode == 0x66;
            opcode = byteAt();
        }
        if ((opcode & 0xf0) == 0x40) {
            wide = (opcode & 8) != 0;
            opcode = byteAt();
        }
        return switch (opcode) {
            case 0xc5 -> {
                at += 1;
                yield vector(start, 1);
            }
            case 0xc4 -> {
                final int map = byteAt() & 0x1f;
                at += 1;
                yield vector(start, map);
            }
            case 0x62 -> {
                final int map = byteAt() & 7;
                at += 2;
                yield vector(start, map);
            }
            case 0x0f -> escaped(start);
            default -> operands(start, opcode, ONE_BYTE.charAt(opcode));
        };
    }

    private Instruction escaped(final int start) throws UnknownInstructionException {
        final int opcode = byteAt();
        return switch (opcode) {
            case 0x38 -> {
                at += 1;
                yield operands(start, 0x0f38, 'm');
            }
            case 0x3a -> {
                at += 1;
                yield operands(start, 0x0f3a, 'b');
            }
            default -> operands(start, 0x0f00 | opcode, TWO_BYTE.charAt(opcode));
        };
    }

    /** VEX and EVEX: after the prefix comes an opcode of one of the maps, and always a ModRM but for VZEROUPPER. */
    private Instruction vector(final int start, final int map) throws UnknownInstructionException {
        final int opcode = byteAt();
        return switch (map) {
            case 1 -> operands(start, 0x0f00 | opcode, TWO_BYTE.charAt(opcode) == 'J' ? 'm' : TWO_BYTE.charAt(opcode));
            case 2, 5, 6 -> operands(start, -1, 'm');
            case 3 -> operands(start, -1, 'b');
            default -> throw new UnknownInstructionException(start);
        };
    }

    private Instruction operands(final int start, final int opcode, final char form)
            throws UnknownInstructionException {
        final int byOperandSize = operandSize && !wide ? 2 : 4;
        return switch (form) {
            case '.' -> plain(start, opcode, 0);
            case '1' -> plain(start, opcode, 1);
            case '2' -> plain(start, opcode, 2);
            case 'e' -> plain(start, opcode, 3);
            case 'z' -> plain(start, opcode, byOperandSize);
            case 'v' -> plain(start, opcode, wide ? 8 : byOperandSize);
            case 'a' -> plain(start, opcode, 8);
            case 'm' -> withModRm(start, opcode, 0);
            case 'b' -> withModRm(start, opcode, 1);
            case 'y' -> withModRm(start, opcode, byOperandSize);
            case '3' -> withModRm(start, opcode, (code[at] & 0x38) < 0x10 ? 1 : 0);
            case '7' -> withModRm(start, opcode, (code[at] & 0x38) < 0x10 ? byOperandSize : 0);
            case '5' -> {
                final boolean call = (code[at] & 0x30) == 0x10;
                final Instruction plain = withModRm(start, opcode, 0);
                yield call
                        ? new Instruction(
                                start,
                                plain.end(),
                                opcode,
                                plain.operation(),
                                plain.end(),
                                Instruction.Flow.INDIRECT_CALL,
                                0)
                        : plain;
            }
            case 'j' -> branch(start, opcode, 1, Instruction.Flow.BRANCH);
            case 'J' -> branch(start, opcode, 4, Instruction.Flow.BRANCH);
            case 'C' -> branch(start, opcode, 4, Instruction.Flow.CALL);
            default -> throw new UnknownInstructionException(start);
        };
    }

    private Instruction withModRm(final int start, final int opcode, final int immediate) {
        final int modRm = byteAt();
        final int mod = modRm >> 6;
        final int rm = modRm & 7;
        if (mod != 3) {
            final int base = rm == 4 ? byteAt() & 7 : rm;
            if (mod == 1) {
                at += 1;
            } else if (mod == 2 || base == 5) {
                at += 4;
            }
        }
        return plain(start, opcode, modRm >> 3 & 7, immediate);
    }

    private Instruction plain(final int start, final int opcode, final int immediate) {
        return plain(start, opcode, 0, immediate);
    }

    private Instruction plain(final int start, final int opcode, final int operation, final int immediate) {
        final int operand = at;
        skip(immediate);
        return new Instruction(start, at, opcode, operation, operand, Instruction.Flow.NEXT, 0);
    }

    private Instruction branch(final int start, final int opcode, final int width, final Instruction.Flow flow) {
        final int operand = at;
        skip(width);
        long distance = code[at - 1];
        for (int i = at - 2; i >= operand; i--) {
            distance = distance << 8 | (code[i] & 0xff);
        }
        return new Instruction(start, at, opcode, 0, operand, flow, at + distance);
    }

    private void skip(final int count) {
        at += count;
        if (at > code.length) {
            throw new ArrayIndexOutOfBoundsException(at);
        }
    }

    private int byteAt() {
        return code[at++] & 0xff;
    }

    static boolean isLegacyPrefix(final int value) {
        return switch (value) {
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
            default -> false;
        };
    }
}

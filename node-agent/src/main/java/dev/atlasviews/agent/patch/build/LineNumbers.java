// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * Tells constants that are the line number of the source, as assertions pass it: they mean nothing, and would have every
 * function below a change replaced. What only moves as its line does may be anything, a count or a length that grows by
 * one with a line above; so the constant has to be its very line, before and after, and a parameter of a call there.
 */
final class LineNumbers {
    private static final int MOV_REGISTER = 0xb8;
    private static final int MOV = 0xc7;
    private static final int PUSH = 0x68;
    private static final int JMP = 0xe9;

    /** Numbers of the registers that parameters are passed in: rdi, rsi, rdx, rcx, r8, r9 (psABI 3.2.3). */
    private static final int PARAMETERS = 1 << 7 | 1 << 6 | 1 << 2 | 1 << 1 | 1 << 8 | 1 << 9;

    private LineNumbers() {}

    /** Whether the constant of an instruction is the line of the call that it is a parameter of. */
    static boolean isPassed(final ObjectFile object, final Code code, final Instruction instruction) {
        if (instruction.end() - instruction.immediate() != Integer.BYTES || !loadsParameter(code, instruction)) {
            return false;
        }
        final int constant =
                ByteBuffer.wrap(code.bytes()).order(ByteOrder.LITTLE_ENDIAN).getInt(instruction.immediate());
        if (!isOnLine(object, code, instruction, constant)) {
            return false;
        }
        // What lies between may be of other lines: compilers have them overlap.
        for (int i = code.instructions().indexOf(instruction);
                i < code.instructions().size();
                i++) {
            final Instruction next = code.instructions().get(i);
            if (next.isCall() || isLastCall(code, next)) {
                return isOnLine(object, code, next, constant);
            }
            if (next.isTransfer()) {
                return false;
            }
        }
        return false;
    }

    private static boolean isOnLine(
            final ObjectFile object, final Code code, final Instruction instruction, final int constant) {
        final OptionalInt line =
                object.lines().line(code.section().index(), code.symbol().value() + instruction.start());
        return line.isPresent() && line.getAsInt() == constant;
    }

    private static boolean loadsParameter(final Code code, final Instruction instruction) {
        final int first = code.bytes()[instruction.start()] & 0xff;
        final int extension = (first & 0xf0) == 0x40 ? (first & 1) << 3 : 0;
        return switch (instruction.opcode() & ~7) {
            case MOV_REGISTER -> isParameter(extension | (instruction.opcode() & 7));
            default -> instruction.opcode() == PUSH || isMoveToParameter(code, instruction, extension);
        };
    }

    private static boolean isMoveToParameter(final Code code, final Instruction instruction, final int extension) {
        final int modRm = code.bytes()[instruction.immediate() - 1] & 0xff;
        return instruction.opcode() == MOV && modRm >= 0xc0 && isParameter(extension | (modRm & 7));
    }

    private static boolean isParameter(final int register) {
        return (PARAMETERS >> register & 1) != 0;
    }

    /** A call in the place of a return. */
    private static boolean isLastCall(final Code code, final Instruction instruction) {
        return instruction.opcode() == JMP
                && code.relocations().stream()
                        .anyMatch(relocation -> relocation.offset() == instruction.immediate()
                                && relocation.type() == Elf.R_X86_64_PLT32);
    }
}

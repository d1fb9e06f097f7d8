// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfRelocation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * An object's code, and the same code after linking. Fields of relocations are filled in by then, and a linker may have
 * replaced loads from the GOT and thread-local accesses by shorter ones of the same length.
 *
 * <p>Nor need the program have been compiled with {@code -ffunction-sections}. Without, the assembler knows how far it is
 * to the functions of the file, and jumps to near ones by two bytes instead of five; what follows moves up, so that
 * branches and padding within the function may get another length too.
 *
 * <p>Source: x86-64 psABI, "Optimize GOTPCRELX relocations"; Drepper, "ELF Handling For Thread-Local Storage", 5.
 */
final class LinkedCode {
    private static final Map.Entry<Long, Integer> START = Map.entry(0L, 0);

    private final Code code;
    private final byte[] compiled;
    private final byte[] linked;
    /** By the start of the instruction that they are in. */
    private final Map<Integer, List<ElfRelocation>> relocations;
    /** Which bytes of the object a linker may change. */
    private final BitSet free;
    /** Which of these are of instructions in whose place the linker put others. */
    private final BitSet rewritten = new BitSet();
    /** Where the instructions of the object are in the program; the last entry is the end of both. */
    private final NavigableMap<Long, Integer> places = new TreeMap<>();

    private LinkedCode(final Code code, final byte[] linked) {
        this.code = code;
        compiled = code.bytes();
        this.linked = linked;
        relocations = code.relocations().stream()
                .collect(Collectors.groupingBy(
                        relocation -> code.instructionAt(relocation.offset()).start()));
        free = new BitSet(compiled.length);
    }

    /**
     * Finds an object's code in what was linked.
     *
     * @throws PatchRefusedException if that is other code
     */
    static LinkedCode of(final String unit, final Code code, final byte[] linked) throws PatchRefusedException {
        final LinkedCode result = new LinkedCode(code, linked);
        final int differs = result.differs();
        if (differs >= 0) {
            throw new PatchRefusedException(
                    Refusal.NOT_THE_RUNNING_CODE, code.name(), unit + ": the code differs at offset " + differs);
        }
        return result;
    }

    /** Goes through both, instruction by instruction; returns where in the object they differ, -1 if nowhere. */
    private int differs() {
        int at = 0;
        for (final Instruction instruction : code.instructions()) {
            free(instruction, at - instruction.start());
            while (!isSame(instruction, at) && !isPadding(compiled, instruction) && isPadding(linked, linkedAt(at))) {
                at = linkedAt(at).end();
                free(instruction, at - instruction.start());
            }
            places.put((long) instruction.start(), at);
            if (isSame(instruction, at)) {
                at += instruction.end() - instruction.start();
            } else if (isSameTransfer(instruction, at)) {
                at = linkedAt(at).end();
            } else if (!isPadding(compiled, instruction)) {
                return instruction.start();
            }
        }
        while (isPadding(linked, linkedAt(at))) {
            at = linkedAt(at).end();
        }
        places.put((long) compiled.length, at);
        return at == linked.length ? differingTransfer() : compiled.length;
    }

    /** A jump or call within the function leads to the same place; where others lead, relocations say. */
    private int differingTransfer() {
        for (final Instruction instruction : code.instructions()) {
            final boolean isWithin = instruction.isTransfer() && !relocations.containsKey(instruction.start());
            if (isWithin && !isAt(running(instruction).target(), instruction.target())) {
                return instruction.start();
            }
        }
        return -1;
    }

    /** Whether who comes to a place in the program is at a place of the object; padding on the way is none. */
    boolean isAt(final long running, final long offset) {
        return afterPadding(running) == afterPadding(place(offset));
    }

    private long afterPadding(final long place) {
        int at = (int) Math.max(Integer.MIN_VALUE, Math.min(place, Integer.MAX_VALUE));
        while (at >= 0 && at < linked.length && isPadding(linked, linkedAt(at))) {
            at = linkedAt(at).end();
        }
        return at;
    }

    /** Whether the program has something else in the place of a relocation, as of a call that finds a thread's variables. */
    boolean isRewritten(final ElfRelocation relocation) {
        return rewritten.get((int) relocation.offset());
    }

    /** Whether a relocation is in a jump or call that has another length in the program: it leads to the same section. */
    boolean isResized(final ElfRelocation relocation) {
        final Instruction instruction = code.instructionAt(relocation.offset());
        final Instruction other = running(instruction);
        return !isRewritten(relocation)
                && instruction.isTransfer()
                && other.end() - other.start() != instruction.end() - instruction.start();
    }

    /** Where a place in the object is in the program, both from the function's start. */
    long place(final long offset) {
        final Map.Entry<Long, Integer> instruction = Objects.requireNonNullElse(places.floorEntry(offset), START);
        return instruction.getValue() + offset - instruction.getKey();
    }

    /** Where the relative field of a relocation leads in the program, from the function's start. */
    long target(final ElfRelocation relocation) {
        final Instruction instruction = code.instructionAt(relocation.offset());
        return instruction.isTransfer()
                ? running(instruction).target()
                : place(relocation.offset()) + code.bias(relocation) + field(relocation);
    }

    /** Whether what the object loads from the GOT, or calls through it, is near enough that the program does without. */
    boolean isDirect(final ElfRelocation relocation) {
        final int at = (int) relocation.offset();
        final long place = place(at);
        if (!Relocations.isGotSlot(relocation.type()) || at < 2 || place < 2 || place > linked.length) {
            return false;
        }
        final int opcode = linked[(int) place - 2] & 0xff;
        return compiled[at - 2] == (byte) 0x8b ? opcode == 0x8d : compiled[at - 2] == (byte) 0xff && opcode == 0x67;
    }

    /** What the field of a relocation holds in the program. */
    int field(final ElfRelocation relocation) {
        final long at = place(relocation.offset());
        return at + Integer.BYTES > linked.length
                ? 0 // an object that is not a compiler's
                : ByteBuffer.wrap(linked).order(ByteOrder.LITTLE_ENDIAN).getInt((int) at);
    }

    private Instruction running(final Instruction instruction) {
        return linkedAt((int) place(instruction.start()));
    }

    private boolean isSame(final Instruction instruction, final int at) {
        if (at + instruction.end() - instruction.start() > linked.length) {
            return false;
        }
        for (int i = instruction.start(); i < instruction.end(); i++) {
            if (compiled[i] != linked[at + i - instruction.start()] && !free.get(i)) {
                return false;
            }
        }
        return true;
    }

    /** Whether both jump, on the same condition, or call; by how many bytes is for the assembler to choose. */
    private boolean isSameTransfer(final Instruction instruction, final int at) {
        if (!instruction.isTransfer()) {
            return false;
        }
        final Instruction other = linkedAt(at);
        return other.isTransfer()
                && condition(instruction) == condition(other)
                && !hasPrefix(compiled, instruction)
                && !hasPrefix(linked, other);
    }

    /** The opcode of the short form. */
    private static int condition(final Instruction transfer) {
        final int opcode = transfer.opcode();
        return (opcode & ~0xf) == 0x0f80 ? 0x70 | (opcode & 0xf) : opcode == 0xe9 ? 0xeb : opcode;
    }

    private static boolean hasPrefix(final byte[] bytes, final Instruction transfer) {
        return (bytes[transfer.start()] & 0xff) != (transfer.opcode() > 0xff ? 0x0f : transfer.opcode());
    }

    /** Whether an instruction is one of those that assemblers align with. */
    private static boolean isPadding(final byte[] bytes, final Instruction instruction) {
        int start = instruction.start();
        while (start < instruction.end() && (bytes[start] == 0x66 || bytes[start] == 0x2e)) {
            start++;
        }
        return switch (instruction.opcode()) {
            case 0x90 -> (bytes[start] & 0xff) == 0x90; // not pause, nor an exchange of other registers
            case 0x0f1f -> bytes[start] == 0x0f;
            default -> false;
        };
    }

    private Instruction linkedAt(final int at) {
        return decoded(linked, at);
    }

    /** The instruction at a place; an empty one where there is none. */
    private static Instruction decoded(final byte[] bytes, final int at) {
        try {
            return InstructionDecoder.decode(bytes, at);
        } catch (final InstructionDecoder.UnknownInstructionException e) {
            return new Instruction(at, at, -1, 0, at, Instruction.Flow.NEXT, 0);
        }
    }

    /**
     * Notes which bytes a linker may have changed from an instruction on.
     *
     * @param shift how far on it is in the program
     */
    private void free(final Instruction instruction, final int shift) {
        for (final ElfRelocation relocation : relocations.getOrDefault(instruction.start(), List.of())) {
            final int at = (int) relocation.offset();
            free.set(at, at + Relocations.width(relocation.type()));
            if (at + shift < linked.length) {
                relax(relocation.type(), at, at + shift);
            }
        }
    }

    private void relax(final int type, final int at, final int start) {
        switch (type) {
            case Elf.R_X86_64_GOTPCRELX, Elf.R_X86_64_REX_GOTPCRELX -> {
                if (at >= 2 && start >= 2 && isRelaxedLoad(compiled[at - 2], linked[start - 2])) {
                    free.set(Math.max(0, at - 3), at);
                }
            }
            case Elf.R_X86_64_GOTTPOFF -> {
                // mov or add from the GOT becomes mov, add or lea of the constant
                if (at >= 3 && start >= 3 && isOneOf(linked[start - 2], 0xc7, 0x81, 0x8d)) {
                    free.set(at - 3, at);
                }
            }
            case Elf.R_X86_64_TLSGD -> {
                if (at >= 4 && start >= 4 && start + 12 <= linked.length && linked[start - 4] == 0x64) {
                    free.set(at - 4, at + 12);
                    rewritten.set(at, at + 12);
                }
            }
            case Elf.R_X86_64_TLSLD -> {
                if (at >= 3 && start >= 3 && start + 9 <= linked.length && linked[start - 3] == 0x66) {
                    free.set(at - 3, at + 9);
                    rewritten.set(at, at + 9);
                }
            }
            default -> {}
        }
    }

    private static boolean isRelaxedLoad(final byte compiled, final byte linked) {
        final int relaxed = linked & 0xff;
        return switch (compiled & 0xff) {
            case 0x8b -> relaxed == 0x8d || relaxed == 0xc7; // mov to lea, or to mov of a constant
            case 0xff -> relaxed == 0x67 || relaxed == 0xe9; // call and jmp, direct
            case 0x85 -> relaxed == 0xf7; // test with a constant
            default -> relaxed == 0x81; // arithmetic with a constant
        };
    }

    private static boolean isOneOf(final byte value, final int... allowed) {
        return Arrays.stream(allowed).anyMatch(one -> one == (value & 0xff));
    }
}

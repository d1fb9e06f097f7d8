// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfRelocation;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Compares an object's code with the same code after linking. Fields of relocations are filled in by then, and a linker
 * may have replaced loads from the GOT and thread-local accesses by shorter ones of the same length.
 *
 * <p>Source: x86-64 psABI, "Optimize GOTPCRELX relocations"; Drepper, "ELF Handling For Thread-Local Storage", 5.
 */
final class LinkedCode {
    private LinkedCode() {}

    static void check(final String unit, final Code code, final byte[] linked) throws PatchRefusedException {
        final byte[] compiled = code.bytes();
        if (compiled.length != linked.length) {
            throw new PatchRefusedException(
                    Refusal.NOT_THE_RUNNING_CODE,
                    code.name(),
                    unit + ": " + compiled.length + " bytes in the object, " + linked.length + " in the program");
        }
        final BitSet free = new BitSet(compiled.length);
        for (final ElfRelocation relocation : code.relocations()) {
            final int at = (int) relocation.offset();
            free.set(at, at + Relocations.width(relocation.type()));
            relax(relocation.type(), at, compiled, linked, free);
        }
        for (int i = Arrays.mismatch(compiled, linked); i >= 0 && i < compiled.length; i++) {
            if (compiled[i] != linked[i] && !free.get(i)) {
                throw new PatchRefusedException(
                        Refusal.NOT_THE_RUNNING_CODE, code.name(), unit + ": the code differs at offset " + i);
            }
        }
    }

    private static void relax(
            final int type, final int at, final byte[] compiled, final byte[] linked, final BitSet free) {
        switch (type) {
            case Elf.R_X86_64_GOTPCRELX, Elf.R_X86_64_REX_GOTPCRELX -> {
                if (at >= 2 && isRelaxedLoad(compiled, linked, at)) {
                    free.set(Math.max(0, at - 3), at);
                }
            }
            case Elf.R_X86_64_GOTTPOFF -> {
                // mov or add from the GOT becomes mov, add or lea of the constant
                if (at >= 3 && isOneOf(linked[at - 2], 0xc7, 0x81, 0x8d)) {
                    free.set(at - 3, at);
                }
            }
            case Elf.R_X86_64_TLSGD -> {
                if (at >= 4 && at + 12 <= linked.length && linked[at - 4] == 0x64) {
                    free.set(at - 4, at + 12);
                }
            }
            case Elf.R_X86_64_TLSLD -> {
                if (at >= 3 && at + 9 <= linked.length && linked[at - 3] == 0x66) {
                    free.set(at - 3, at + 9);
                }
            }
            default -> {}
        }
    }

    private static boolean isRelaxedLoad(final byte[] compiled, final byte[] linked, final int at) {
        final int opcode = compiled[at - 2] & 0xff;
        final int relaxed = linked[at - 2] & 0xff;
        return switch (opcode) {
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

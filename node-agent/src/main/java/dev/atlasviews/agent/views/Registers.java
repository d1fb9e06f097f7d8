// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.util.List;

/**
 * User registers of a thread.
 *
 * @param dwarf registers 0 … 16 in the order of their DWARF numbers on x86-64 (System V psABI, figure 3.36); 16 is the
 *     program counter
 * @param fsBase the thread pointer
 */
public record Registers(List<Long> dwarf, long fsBase) {
    static final List<String> DWARF_NAMES = List.of(
            "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
            "r15", "rip");
    private static final int RSP = 7;
    private static final int RIP = 16;

    /** Copies the list. */
    public Registers {
        dwarf = List.copyOf(dwarf);
    }

    static Registers from(final Struct regs) {
        return new Registers(DWARF_NAMES.stream().map(regs::getLong).toList(), regs.getLong("fs_base"));
    }

    /** The stack pointer. */
    public long stackPointer() {
        return dwarf.get(RSP);
    }

    /** The program counter. */
    public long programCounter() {
        return dwarf.get(RIP);
    }
}

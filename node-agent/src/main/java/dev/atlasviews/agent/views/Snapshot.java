// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

/**
 * Registers and stack of a thread that was off the CPU.
 *
 * @param tid the thread
 * @param view the view it was in
 * @param sequence for {@link ProcessViews#migrateIfSequence}: changes whenever the thread runs
 * @param registers its user registers
 * @param stack the bytes from the stack pointer upwards
 * @param stackEnd end of the mapping that holds the stack; 0 where that is an alternate stack for signals, above which not
 *     everything is that the thread will return to
 */
@SuppressWarnings("ArrayRecordComponent") // bytes of native memory, never compared
public record Snapshot(int tid, int view, long sequence, Registers registers, byte[] stack, long stackEnd) {

    /** Whether the bytes reach to the end of the mapping, so that nothing of the stack is unseen. */
    public boolean whole() {
        return registers.stackPointer() + stack.length == stackEnd;
    }
}

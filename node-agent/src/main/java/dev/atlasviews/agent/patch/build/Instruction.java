// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

/**
 * One decoded x86-64 instruction: its extent and, if it is a direct branch or call, where to. Offsets are relative to
 * the decoded bytes.
 *
 * @param opcode the opcode byte; opcodes after {@code 0f}, and those of VEX and EVEX for the same, are or-ed with 0x0f00,
 *     others of VEX and EVEX are -1
 * @param operation the field of the ModRM byte that some opcodes name their operation by; 0 if there is none
 * @param immediate where the immediate operand starts; equal to {@code end} if there is none
 * @param target of a direct branch or call, may lie outside of the decoded bytes; meaningless otherwise
 */
record Instruction(int start, int end, int opcode, int operation, int immediate, Flow flow, long target) {
    /** What an instruction does to the flow of control, as far as can be seen from its opcode. */
    enum Flow {
        NEXT,
        BRANCH,
        CALL,
        INDIRECT_CALL
    }

    /** Whether it leads to its target. */
    boolean isTransfer() {
        return flow == Flow.CALL || flow == Flow.BRANCH;
    }

    boolean isCall() {
        return flow == Flow.CALL || flow == Flow.INDIRECT_CALL;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import dev.atlasviews.agent.patch.PatchTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a patch does to the instructions of a program's functions, like a unified diff. Only what does something else
 * differs, not what was moved: operands are told by name, and a branch is the same if it leads to the same instruction.
 */
public final class InstructionDifference {
    private static final int CONTEXT = 3;
    private static final String UNCHANGED =
            "no instruction differs: it is replaced for a constant, or with the rest of its function";

    private final PatchedImage image;
    private final Names names;
    private final Disassembler disassembler;

    private InstructionDifference(final PatchedImage image, final Disassembler disassembler) throws IOException {
        this.image = image;
        this.names = Names.of(image);
        this.disassembler = disassembler;
    }

    /**
     * The differences of all functions of a target, a line each.
     *
     * @param program the target's file
     */
    public static List<String> of(final PatchTarget target, final ElfFile program, final Disassembler disassembler)
            throws IOException {
        final InstructionDifference difference =
                new InstructionDifference(PatchedImage.of(program, target), disassembler);
        final List<String> lines = new ArrayList<>();
        for (final PatchFunction function : target.functions()) {
            lines.add("");
            lines.addAll(difference.of(function));
        }
        return lines;
    }

    private List<String> of(final PatchFunction function) throws IOException {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        final List<FunctionCode.Instruction> before =
                oldBody == null ? List.of() : code(oldBody.address(), oldBody.size());
        final List<FunctionCode.Instruction> after =
                newBody == null ? List.of() : code(image.address(newBody), newBody.size());
        final List<String> lines = new ArrayList<>();
        lines.add("--- " + (oldBody == null ? "/dev/null" : function.name() + " (program)"));
        lines.add("+++ " + (newBody == null ? "/dev/null" : function.name() + " (patch)"));
        final List<String> hunks = hunks(before, after);
        lines.addAll(hunks.isEmpty() ? List.of(UNCHANGED) : hunks);
        return lines;
    }

    private List<FunctionCode.Instruction> code(final long start, final long size) throws IOException {
        return FunctionCode.of(image, names, disassembler, start, size);
    }

    /** A line of a diff: one instruction that both have, or one that only one side has. */
    private record Line(char mark, FunctionCode.Instruction instruction) {
        @Override
        public String toString() {
            return "%c%6x: %s".formatted(mark, instruction.offset(), instruction.text());
        }
    }

    private static List<String> hunks(
            final List<FunctionCode.Instruction> before, final List<FunctionCode.Instruction> after) {
        final List<Line> lines = lines(before, after);
        final boolean[] shown = new boolean[lines.size()];
        for (int i = 0; i < shown.length; i++) {
            if (lines.get(i).mark() != ' ') {
                Arrays.fill(shown, Math.max(0, i - CONTEXT), Math.min(shown.length, i + CONTEXT + 1), true);
            }
        }
        final List<String> hunks = new ArrayList<>();
        for (int i = 0; i < shown.length; i++) {
            if (shown[i] && (i == 0 || !shown[i - 1])) {
                hunks.add("@@ 0x%x @@".formatted(lines.get(i).instruction().offset()));
            }
            if (shown[i]) {
                hunks.add(lines.get(i).toString());
            }
        }
        return hunks;
    }

    private static List<Line> lines(
            final List<FunctionCode.Instruction> before, final List<FunctionCode.Instruction> after) {
        final int[] partners = Alignment.of(keys(before), keys(after));
        final Targets targets = new Targets(before, after, partners);
        final List<Line> lines = new ArrayList<>();
        final List<Line> added = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < before.size(); i++) {
            final FunctionCode.Instruction old = before.get(i);
            if (partners[i] == Alignment.NONE) {
                lines.add(new Line('-', old));
                continue;
            }
            for (; next < partners[i]; next++) {
                added.add(new Line('+', after.get(next)));
            }
            final FunctionCode.Instruction now = after.get(next++);
            if (targets.same(old, now)) {
                lines.addAll(added);
                added.clear();
                lines.add(new Line(' ', now));
            } else {
                lines.add(new Line('-', old));
                added.add(new Line('+', now));
            }
        }
        lines.addAll(added);
        after.subList(next, after.size()).forEach(now -> lines.add(new Line('+', now)));
        return lines;
    }

    private static List<String> keys(final List<FunctionCode.Instruction> code) {
        return code.stream().map(FunctionCode.Instruction::key).toList();
    }
}

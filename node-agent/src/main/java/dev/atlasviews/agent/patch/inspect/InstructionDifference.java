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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a patch does to the instructions of a program's functions, like a unified diff. Only what does something else
 * differs, not what was moved: operands are told by name, and a branch is the same if it leads to the same instruction.
 */
public final class InstructionDifference {
    private static final int CONTEXT = 3;
    private static final String UNCHANGED =
            "no instruction differs: it is replaced for a constant, or with the rest of its function";

    /** Larger functions are not compared, and longer differences not shown to the end: a patch may be made to harm. */
    private static final long MOST_BYTES = 1 << 20;

    private static final int MOST_LINES = 20_000;

    private final PatchedImage image;
    private final Names names;
    private final Bodies bodies;
    private final Disassembler disassembler;

    private InstructionDifference(final PatchedImage image, final Disassembler disassembler) throws IOException {
        this.image = image;
        this.names = Names.of(image);
        this.bodies = new Bodies(image);
        this.disassembler = disassembler;
    }

    /**
     * Prints the differences of all functions of a target, one function after the other.
     *
     * @param program the target's file
     * @param out takes a line
     */
    public static void print(
            final PatchTarget target,
            final ElfFile program,
            final Disassembler disassembler,
            final Consumer<String> out)
            throws IOException {
        final InstructionDifference difference =
                new InstructionDifference(PatchedImage.of(program, target), disassembler);
        for (final PatchFunction function : target.functions()) {
            out.accept("");
            difference.of(function).forEach(out);
        }
    }

    private List<String> of(final PatchFunction function) throws IOException {
        final List<String> lines = new ArrayList<>();
        final String own = names.ofReplaced(function).orElse(function.name());
        lines.add("--- "
                + (function.oldBody() == null ? "/dev/null" : own + " (program)")
                + (own.equals(function.name()) ? "" : ", which the patch calls " + function.name()));
        lines.add("+++ " + (function.newBody() == null ? "/dev/null" : own + " (patch)"));
        if (!bodies.first(function).equals(function)) {
            lines.add("its new code is that of " + bodies.first(function).name());
        } else if (isTooLarge(function)) {
            lines.add("its instructions are not compared: it has more than " + MOST_BYTES + " bytes");
        } else {
            final List<String> hunks = hunks(function);
            lines.addAll(hunks.isEmpty() ? List.of(UNCHANGED) : hunks.subList(0, Math.min(hunks.size(), MOST_LINES)));
            if (hunks.size() > MOST_LINES) {
                lines.add("... and %d more lines, which are not shown".formatted(hunks.size() - MOST_LINES));
            }
        }
        return lines;
    }

    private static boolean isTooLarge(final PatchFunction function) {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        return (oldBody != null && oldBody.size() > MOST_BYTES) || (newBody != null && newBody.size() > MOST_BYTES);
    }

    private List<FunctionCode.Instruction> before(final PatchFunction function) throws IOException {
        final OldBody body = function.oldBody();
        return body == null ? List.of() : code(new FunctionCode.Body(function, body.address(), body.size(), false));
    }

    private List<FunctionCode.Instruction> after(final PatchFunction function) throws IOException {
        final NewBody body = function.newBody();
        return body == null ? List.of() : code(new FunctionCode.Body(function, image.address(body), body.size(), true));
    }

    private List<FunctionCode.Instruction> code(final FunctionCode.Body body) throws IOException {
        return FunctionCode.of(image, names, bodies, disassembler, body);
    }

    private List<String> hunks(final PatchFunction function) throws IOException {
        final List<FunctionCode.Instruction> before = before(function);
        final List<FunctionCode.Instruction> after = after(function);
        final PatchFunction other = before.stream().anyMatch(FunctionCode.Instruction::leavesPart)
                        && after.stream().anyMatch(FunctionCode.Instruction::leavesPart)
                ? bodies.otherPart(function).orElse(null)
                : null;
        return hunks(lines(before, after, other == null || isTooLarge(other) ? null : targets(other)));
    }

    private Targets targets(final PatchFunction function) throws IOException {
        final List<FunctionCode.Instruction> before = before(function);
        final List<FunctionCode.Instruction> after = after(function);
        return new Targets(before, after, Alignment.of(keys(before), keys(after)));
    }

    /** A line of a diff: one instruction that both have, or one that only one side has. */
    private record Line(char mark, FunctionCode.Instruction instruction) {
        @Override
        public String toString() {
            return "%c%6x: %s".formatted(mark, instruction.offset(), instruction.text());
        }
    }

    private static List<String> hunks(final List<Line> lines) {
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

    /** All instructions of both sides; {@code otherPart} tells which places of the function's other part are the same. */
    private static List<Line> lines(
            final List<FunctionCode.Instruction> before,
            final List<FunctionCode.Instruction> after,
            final @Nullable Targets otherPart) {
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
            final boolean same =
                    old.leavesPart() ? otherPart != null && otherPart.same(old, now) : targets.same(old, now);
            if (same) {
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

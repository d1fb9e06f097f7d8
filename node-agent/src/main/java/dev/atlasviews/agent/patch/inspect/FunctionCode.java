// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import dev.atlasviews.agent.patch.PatchFunction;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The code of a function with its operands by name: what it refers to is told apart from where that lies. Instructions
 * that only fill up room are left out.
 */
final class FunctionCode {
    private static final Pattern FILLING = Pattern.compile("^(?:data16 |cs )*(?:nop.*|xchg +%ax,%ax)$");
    private static final Pattern TRANSFER =
            Pattern.compile("^(.*?\\b(?:call|jmp|j[a-z]{1,4}|loop[a-z]*|xbegin)(?:,p[nt])? +)0x([0-9a-f]+)$");
    private static final Pattern RELATIVE = Pattern.compile("(?:-?0x[0-9a-f]+)?\\(%rip\\)(.*?) +# 0x([0-9a-f]+)$");
    private static final Pattern ABSOLUTE = Pattern.compile("(?<![-0-9a-z])(\\$?)0x([0-9a-f]{5,8})\\b(\\(?)");

    private final PatchedImage image;
    private final Names names;
    private final Bodies bodies;
    private final Body body;
    private final Set<Long> starts = new HashSet<>();

    /**
     * An instruction.
     *
     * @param offset from the function's start
     * @param text as it is shown
     * @param key equal for instructions that mean the same, but for where in the function they lead
     * @param target where in the function it leads, from the function's start
     * @param leavesPart whether that is in the other part of the function: the cold one, or from there back
     */
    record Instruction(long offset, String text, String key, OptionalLong target, boolean leavesPart) {}

    /**
     * One side's code of a function.
     *
     * @param isNew whether it is the patch's
     */
    record Body(PatchFunction function, long start, long size, boolean isNew) {}

    private FunctionCode(final PatchedImage image, final Names names, final Bodies bodies, final Body body) {
        this.image = image;
        this.names = names;
        this.bodies = bodies;
        this.body = body;
    }

    /** The instructions of a function of the program or the patch. */
    static List<Instruction> of(
            final PatchedImage image,
            final Names names,
            final Bodies bodies,
            final Disassembler disassembler,
            final Body body)
            throws IOException {
        final byte[] code = image.bytes(body.start(), body.size())
                .orElseThrow(() -> new IOException("the program has no code at 0x" + Long.toHexString(body.start())));
        final FunctionCode function = new FunctionCode(image, names, bodies, body);
        final List<Disassembler.Line> lines = disassembler.lines(code, body.start());
        lines.forEach(line -> function.starts.add(line.address()));
        final List<Instruction> instructions = new ArrayList<>();
        for (final Disassembler.Line line : lines) {
            if (!FILLING.matcher(line.text()).matches()) {
                instructions.add(function.instruction(line));
            }
        }
        return instructions;
    }

    private Instruction instruction(final Disassembler.Line line) {
        final long offset = line.address() - body.start();
        final String text = line.text().replace("addr32 ", "");
        final Matcher transfer = TRANSFER.matcher(text);
        if (transfer.matches()) {
            return transfer(offset, transfer.group(1), Long.parseUnsignedLong(transfer.group(2), 16));
        }
        final Matcher relative = RELATIVE.matcher(text);
        if (relative.find()) {
            return relative(
                    offset,
                    text.substring(0, relative.start()),
                    Long.parseUnsignedLong(relative.group(2), 16),
                    relative.group(1));
        }
        return plain(offset, absolute(text));
    }

    private static Instruction plain(final long offset, final String text) {
        return new Instruction(offset, text, text, OptionalLong.empty(), false);
    }

    private Instruction transfer(final long offset, final String operation, final long target) {
        // A call of its own start is recursion, not a loop.
        if (PatchedImage.isIn(target, body.start(), body.size())
                && !(target == body.start() && operation.contains("call"))) {
            final String text = operation + "+0x" + Long.toHexString(target - body.start());
            return starts.contains(target)
                    ? new Instruction(offset, text, operation, OptionalLong.of(target - body.start()), false)
                    : different(offset, text);
        }
        final String text = operation + names.of(target).orElse("0x" + Long.toHexString(target));
        final Bodies.Place place = (body.isNew() ? bodies.after(target) : bodies.before(target)).orElse(null);
        if (place == null) {
            final String meant = names.symbol(target).orElse("0x" + Long.toHexString(target));
            return new Instruction(offset, text, operation + meant, OptionalLong.empty(), false);
        }
        if (place.isEntry()) {
            final OptionalLong none = OptionalLong.empty();
            return new Instruction(offset, text, operation + "entry " + identity(place.function()), none, false);
        }
        // Into a cold part and back: its places move as those of the function do.
        if (bodies.otherPart(body.function())
                .map(bodies::first)
                .filter(place.function()::equals)
                .isPresent()) {
            return new Instruction(offset, text, operation + "part", OptionalLong.of(place.offset()), true);
        }
        return different(offset, text);
    }

    /** The same on neither side: into the middle of something, which no compiler does. */
    private Instruction different(final long offset, final String text) {
        final String key = text + (body.isNew() ? " after" : " before");
        return new Instruction(offset, text, key, OptionalLong.empty(), false);
    }

    /** Functions that have become one are one, whatever their names. */
    private static String identity(final PatchFunction function) {
        final PatchFunction.NewBody newBody = function.newBody();
        final PatchFunction.OldBody oldBody = function.oldBody();
        if (newBody != null) {
            return "at " + newBody.offset();
        }
        return oldBody == null ? "" : "gone from " + oldBody.address();
    }

    private Instruction relative(final long offset, final String before, final long address, final String after) {
        final boolean isAddress = before.startsWith("lea") || names.of(address).isPresent();
        final Names.Slot slot = isAddress ? null : names.slot(address).orElse(null);
        if (slot == null) {
            return plain(offset, before + describe(address, before + after) + "(%rip)" + after);
        }
        if (slot.symbol() != null) {
            return plain(offset, before + slot.symbol() + "@got(%rip)" + after);
        }
        // A linker spares the way through a slot where it knows the address: a direct call, a load of the address
        // itself.
        if (before.endsWith("*")) {
            return transfer(offset, before.substring(0, before.length() - 1), slot.address());
        }
        final String meant = describe(slot.address(), "lea");
        return plain(
                offset,
                before.startsWith("mov ")
                        ? before.replaceFirst("mov", "lea") + meant + "(%rip)" + after
                        : before + meant + "@got(%rip)" + after);
    }

    /** In a program at fixed addresses any number may be one; those that are not mean nothing else for that. */
    private String absolute(final String text) {
        if (image.target().positionIndependent()) {
            return text;
        }
        return ABSOLUTE.matcher(text).replaceAll(match -> {
            final long address = Long.parseUnsignedLong(match.group(2), 16);
            final boolean indexed = !match.group(3).isEmpty();
            final String name = image.isMapped(address)
                    ? names.of(address)
                            .orElseGet(() ->
                                    indexed && image.isConstant(address) ? Constants.UNKNOWN : describe(address, text))
                    : "0x" + match.group(2);
            return Matcher.quoteReplacement(match.group(1) + name + match.group(3));
        });
    }

    private String describe(final long address, final String instruction) {
        return names.of(address)
                .orElseGet(() -> image.isConstant(address)
                        ? Constants.describe(image, address, instruction)
                        : "0x" + Long.toHexString(address));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
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
    private final long start;
    private final long size;

    /**
     * An instruction.
     *
     * @param offset from the function's start
     * @param text as it is shown
     * @param key equal for instructions that mean the same, but for where in the function they lead
     * @param target where in the function it leads, from the function's start
     */
    record Instruction(long offset, String text, String key, OptionalLong target) {}

    private FunctionCode(final PatchedImage image, final Names names, final long start, final long size) {
        this.image = image;
        this.names = names;
        this.start = start;
        this.size = size;
    }

    /** The instructions of a function of the program or the patch. */
    static List<Instruction> of(
            final PatchedImage image,
            final Names names,
            final Disassembler disassembler,
            final long start,
            final long size)
            throws IOException {
        final byte[] code = image.bytes(start, size)
                .orElseThrow(() -> new IOException("the program has no code at 0x" + Long.toHexString(start)));
        final FunctionCode function = new FunctionCode(image, names, start, size);
        final List<Instruction> instructions = new ArrayList<>();
        for (final Disassembler.Line line : disassembler.lines(code, start)) {
            if (!FILLING.matcher(line.text()).matches()) {
                instructions.add(function.instruction(line));
            }
        }
        return instructions;
    }

    private Instruction instruction(final Disassembler.Line line) {
        final long offset = line.address() - start;
        final String text = line.text().replace("addr32 ", "");
        final Matcher transfer = TRANSFER.matcher(text);
        if (transfer.matches()) {
            return transfer(offset, transfer.group(1), Long.parseUnsignedLong(transfer.group(2), 16));
        }
        final Matcher relative = RELATIVE.matcher(text);
        final String named = relative.find()
                ? relative(
                        text.substring(0, relative.start()),
                        Long.parseUnsignedLong(relative.group(2), 16),
                        relative.group(1))
                : absolute(text);
        return new Instruction(offset, named, named, OptionalLong.empty());
    }

    private Instruction transfer(final long offset, final String operation, final long target) {
        // A call of its own start is recursion, not a loop.
        if (PatchedImage.isIn(target, start, size) && !(target == start && operation.contains("call"))) {
            return new Instruction(
                    offset,
                    operation + "+0x" + Long.toHexString(target - start),
                    operation,
                    OptionalLong.of(target - start));
        }
        final String name = names.of(target).orElse("0x" + Long.toHexString(target));
        // Into a cold part and back: its places move as those of the function do.
        return new Instruction(
                offset, operation + name, operation + name.replaceFirst("\\+0x.*", ""), OptionalLong.empty());
    }

    private String relative(final String before, final long address, final String after) {
        final boolean isAddress = before.startsWith("lea") || names.of(address).isPresent();
        final Names.Slot slot = isAddress ? null : names.slot(address).orElse(null);
        if (slot == null) {
            return before + describe(address, before + after) + "(%rip)" + after;
        }
        if (slot.symbol() != null) {
            return before + slot.symbol() + "@got(%rip)" + after;
        }
        // A linker spares the way through a slot where it knows the address: a load of the address itself, a direct
        // call.
        final String meant = describe(slot.address(), "lea");
        if (before.startsWith("mov ")) {
            return before.replaceFirst("mov", "lea") + meant + "(%rip)" + after;
        }
        if (before.endsWith("*")) {
            return before.substring(0, before.length() - 1) + meant + after;
        }
        return before + meant + "@got(%rip)" + after;
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

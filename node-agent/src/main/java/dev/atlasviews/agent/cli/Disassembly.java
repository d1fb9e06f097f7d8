// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.NewBody;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a patch does to the instructions of a function, as a unified diff of what objdump says. Addresses are told from
 * the function's start, so that only what differs differs.
 */
final class Disassembly {
    private static final Pattern INSTRUCTION = Pattern.compile("^ *([0-9a-f]+):\\t(.*)$");
    private static final Pattern OWN_TARGET = Pattern.compile("\\b(?:0x)?([0-9a-f]+) <[^>]*>");

    private final Path patch;
    private final Path program;
    private final int number;

    /**
     * The instructions of one target.
     *
     * @param patch the patch file
     * @param program the program's file
     * @param number which of the patch's targets it is
     */
    Disassembly(final Path patch, final Path program, final int number) {
        this.patch = patch;
        this.program = program;
        this.number = number;
    }

    /** The difference, a line each; nothing where the function has one body only. */
    List<String> difference(final PatchFunction function) throws IOException {
        final OldBody oldBody = function.oldBody();
        final NewBody newBody = function.newBody();
        if (oldBody == null || newBody == null) {
            return List.of();
        }
        final List<String> before = instructions(program, List.of(), oldBody.address(), oldBody.size());
        final List<String> after =
                instructions(patch, List.of("-r", "-j", ".text." + number), newBody.offset(), newBody.size());
        return diff(function.name(), before, after);
    }

    private static List<String> instructions(
            final Path file, final List<String> options, final long start, final long size) throws IOException {
        final List<String> command = new ArrayList<>(List.of("objdump", "-d", "-w", "--no-show-raw-insn"));
        command.addAll(options);
        command.add("--start-address=" + start);
        command.add("--stop-address=" + (start + size));
        command.add(file.toString());
        final List<String> lines = new ArrayList<>();
        for (final String line : run(command)) {
            final Matcher instruction = INSTRUCTION.matcher(line);
            if (instruction.matches()) {
                lines.add(relative(instruction.group(2), start, size));
            }
        }
        return lines;
    }

    /** Targets inside of the function count from its start; others are told by name. */
    private static String relative(final String text, final long start, final long size) {
        return OWN_TARGET.matcher(text.stripTrailing()).replaceAll(match -> {
            final long address = Long.parseUnsignedLong(match.group(1), 16);
            return address >= start && address < start + size
                    ? "+0x" + Long.toHexString(address - start)
                    : Matcher.quoteReplacement(
                            match.group().substring(match.group().indexOf('<')));
        });
    }

    private static List<String> diff(final String name, final List<String> before, final List<String> after)
            throws IOException {
        final Path one = Files.createTempFile("atlas-before", ".s");
        final Path other = Files.createTempFile("atlas-after", ".s");
        try {
            Files.write(one, before);
            Files.write(other, after);
            return run(List.of(
                    "diff",
                    "-U3",
                    "--label",
                    name + " (program)",
                    "--label",
                    name + " (patch)",
                    one.toString(),
                    other.toString()));
        } finally {
            Files.delete(one);
            Files.delete(other);
        }
    }

    private static List<String> run(final List<String> command) throws IOException {
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            return lines.lines().toList();
        }
    }
}

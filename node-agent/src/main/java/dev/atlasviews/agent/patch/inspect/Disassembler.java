// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Has binutils' objdump put instructions into words.
 *
 * @param objdump the command
 */
public record Disassembler(String objdump) {
    private static final Pattern INSTRUCTION = Pattern.compile("^ *([0-9a-f]+):\\t(.*)$");

    /** Whether there is such a command. */
    public static boolean isThere(final String objdump) {
        return Stream.of(System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder).resolve(objdump)));
    }

    /**
     * One instruction.
     *
     * @param text as objdump writes it, addresses as numbers
     */
    record Line(long address, String text) {}

    /**
     * The instructions of a piece of code.
     *
     * @param address where it lies
     * @throws IOException if objdump fails
     */
    List<Line> lines(final byte[] code, final long address) throws IOException {
        final Path file = Files.createTempFile("atlas-code", ".bin");
        try {
            Files.write(file, code);
            final ProcessBuilder builder = new ProcessBuilder(
                            objdump,
                            "-D",
                            "-w",
                            "--no-show-raw-insn",
                            "-b",
                            "binary",
                            "-m",
                            "i386:x86-64",
                            "--adjust-vma=0x" + Long.toHexString(address),
                            file.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD);
            builder.environment().put("LC_ALL", "C");
            final Process process = builder.start();
            final List<Line> lines;
            try (var output = process.inputReader(StandardCharsets.UTF_8)) {
                lines = parse(output.lines().toList());
            }
            if (process.onExit().join().exitValue() != 0) {
                throw new IOException(objdump + " does not disassemble code for x86-64");
            }
            return lines;
        } finally {
            Files.delete(file);
        }
    }

    private static List<Line> parse(final List<String> output) {
        final List<Line> lines = new ArrayList<>();
        for (final String text : output) {
            final Matcher instruction = INSTRUCTION.matcher(text);
            if (instruction.matches()) {
                lines.add(new Line(
                        Long.parseUnsignedLong(instruction.group(1), 16),
                        instruction.group(2).stripTrailing()));
            }
        }
        return lines;
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
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
    private static final Pattern INSTRUCTION = Pattern.compile("^ *([0-9a-f]+):\\t((?:[0-9a-f]{2} )+) *(?:\\t(.*))?$");

    private static final int BYTE_CHARACTERS = 3;
    private static final int SKIPPED_BYTES = 8;

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
                            "-z", // runs of zeros are code as well
                            "--show-raw-insn",
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
                lines = parse(output.lines().iterator(), code, address);
            }
            if (process.onExit().join().exitValue() != 0) {
                throw new IOException(objdump + " does not disassemble code for x86-64");
            }
            return lines;
        } finally {
            Files.delete(file);
        }
    }

    private static List<Line> parse(final Iterator<String> output, final byte[] code, final long address) {
        final List<Line> lines = new ArrayList<>();
        long end = address;
        while (output.hasNext()) {
            final Matcher instruction = INSTRUCTION.matcher(output.next());
            if (instruction.matches()) {
                final long start = Long.parseUnsignedLong(instruction.group(1), 16);
                addSkipped(lines, code, address, end, start);
                final String text = instruction.group(3);
                lines.add(new Line(start, text == null ? "(bad)" : text.stripTrailing()));
                end = start + instruction.group(2).length() / BYTE_CHARACTERS;
            }
        }
        addSkipped(lines, code, address, end, address + code.length);
        return lines;
    }

    /** What objdump says nothing of must not go unseen: it stands there as bytes. */
    private static void addSkipped(
            final List<Line> lines, final byte[] code, final long address, final long from, final long to) {
        for (long at = from; at < to; at += SKIPPED_BYTES) {
            final int start = (int) (at - address);
            final int end = (int) Math.min(to - address, start + SKIPPED_BYTES);
            lines.add(new Line(at, ".byte " + HexFormat.of().formatHex(code, start, end)));
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The decoder agrees with binutils on every instruction of the C library, which has hand-written AVX-512 code. */
class InstructionDecoderTest {
    @Test
    void findsTheSameBoundariesAsObjdump() throws Exception {
        final Process process = new ProcessBuilder(
                        "objdump",
                        "-d",
                        "-w",
                        "-j",
                        ".text",
                        Path.of("/lib/x86_64-linux-gnu/libc.so.6").toString())
                .start();
        int instructions = 0;
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                final String[] fields = line.split("\t", -1);
                // objdump writes prefixes that belong to nothing, and data among code, on lines of their own
                if (fields.length < 3
                        || fields[2].startsWith("(bad)")
                        || fields[2].matches("(rex|data16|cs|ds|es|fs|gs|ss|lock|repz?|repnz)[.WRXB]* *")) {
                    continue;
                }
                final byte[] bytes = HexFormat.of().parseHex(fields[1].replace(" ", ""));
                final List<Instruction> decoded = InstructionDecoder.decode(bytes);
                assertThat(decoded).as(line).hasSize(1);
                instructions++;
            }
        }
        assertThat(process.waitFor()).isZero();
        assertThat(instructions).isGreaterThan(100_000);
    }
}

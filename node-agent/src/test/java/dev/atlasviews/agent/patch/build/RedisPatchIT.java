// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.ColdParts;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Redis with real security fixes: what the builder takes, and that a running server is fixed by it. */
class RedisPatchIT {
    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    @Test
    void fixesARunningServer() throws Exception {
        final Map<String, String> paths = build();
        final Path server = Path.of(Objects.requireNonNull(paths.get("SERVER")));
        final byte[] file = PatchBuilder.build(
                ObjectPair.find(
                        Path.of(Objects.requireNonNull(paths.get("BEFORE"))),
                        Path.of(Objects.requireNonNull(paths.get("AFTER")))),
                TargetProgram.of("redis-server", ElfFile.read(server), null),
                BuildOptions.NONE);
        assertThat(file.length).isLessThan(1 << 20);
        final Patch patch = PatchReader.read(file);
        // Only what the fixes touch: not the 100 functions whose assertions moved to other lines.
        assertThat(patch.targets().getFirst().functions())
                .filteredOn(function -> !ColdParts.isOne(function.name()))
                .extracting(PatchFunction::name)
                .containsExactlyInAnyOrder(
                        "hllMerge",
                        "hllSparseRegHisto",
                        "hllSparseToDense",
                        "checkClientOutputBufferLimits",
                        "rdbLoadObject",
                        "_sdsnewlen",
                        "zipmapValidateIntegrity");

        final int port = freePort();
        try (PatchedProgram program = new PatchedProgram(
                directory, server, "--port", String.valueOf(port), "--save", "", "--io-threads", "4")) {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .ignoreExceptions()
                    .until(() -> request(port, bytes("PING")).equals("+PONG"));
            assertThat(request(port, bytes("SET"), bytes("hll"), overflowing())).isEqualTo("+OK");
            assertThat(request(port, bytes("PFCOUNT"), bytes("hll"), bytes("hll")))
                    .startsWith(":");
            program.install(patch);
            assertThat(request(port, bytes("PFCOUNT"), bytes("hll"), bytes("hll")))
                    .startsWith("-INVALIDOBJ");
            // A healthy one is still counted, by the new code.
            request(port, bytes("PFADD"), bytes("healthy"), bytes("a"), bytes("b"), bytes("c"));
            assertThat(request(port, bytes("PFCOUNT"), bytes("healthy"), bytes("healthy")))
                    .isEqualTo(":3");
            assertThat(request(port, bytes("SET"), bytes("text"), bytes("x".repeat(200))))
                    .isEqualTo("+OK");
            assertThat(request(port, bytes("STRLEN"), bytes("text"))).isEqualTo(":200");
            assertThat(program.isAlive()).isTrue();
        }
    }

    private static Map<String, String> build() throws IOException, InterruptedException {
        final Process process = new ProcessBuilder("../e2e/redis/build")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        final Map<String, String> paths = new HashMap<>();
        output.lines()
                .forEach(
                        line -> paths.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1)));
        return paths;
    }

    /** A sparse HyperLogLog whose run lengths add up to 2^32 + 16384, see e2e/redis/probe. */
    private static byte[] overflowing() {
        final int opcodes = 262145;
        final byte[] value = new byte[16 + 2 * opcodes];
        System.arraycopy(bytes("HYLL\1"), 0, value, 0, 5);
        for (int at = 16; at < value.length; at += 2) {
            value[at] = 0x7f;
            value[at + 1] = (byte) 0xff;
        }
        return value;
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Sends one command in Redis's protocol and returns the first line of the answer. */
    private static String request(final int port, final byte[]... words) throws IOException {
        final ByteArrayOutputStream command = new ByteArrayOutputStream();
        command.writeBytes(bytes("*" + words.length + "\r\n"));
        for (final byte[] word : words) {
            command.writeBytes(bytes("$" + word.length + "\r\n"));
            command.writeBytes(word);
            command.writeBytes(bytes("\r\n"));
        }
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
                OutputStream out = socket.getOutputStream();
                BufferedReader in =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))) {
            out.write(command.toByteArray());
            out.flush();
            return Objects.requireNonNullElse(in.readLine(), "closed");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process, asked for what it knows of itself. */
final class MappedImageTest {
    private static final String BUILD_ID = "0123456789abcdef0123456789abcdef01234567";
    private static final String SOURCE = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <string.h>
        #include <unistd.h>
        extern const char __executable_start[];
        int exported(void) { return 1; }
        int main(int count, char **arguments)
        {
            char byte, room[64];
            memcpy(room, arguments[0], (size_t)count);
            printf("start %lx\\n", (long)__executable_start);
            printf("exported %lx\\n", (long)exported);
            printf("memcpy %lx\\n", (long)dlsym(RTLD_DEFAULT, "memcpy"));
            printf("getppid %lx\\n", (long)dlsym(RTLD_DEFAULT, "getppid"));
            printf("ready\\n");
            fflush(stdout);
            return read(0, &byte, 1) < 0 && room[0];
        }
        """;

    @Test
    void imagesAndSymbolsAreWhatTheProcessSays(@TempDir final Path directory) throws Exception {
        final Path program = CProgram.compile(
                directory,
                "program",
                SOURCE,
                "-Wl,--build-id=0x" + BUILD_ID,
                "-rdynamic",
                "-Wl,-z,now",
                "-fno-builtin");
        final Process running = new ProcessBuilder(program.toString()).start();
        try {
            final Map<String, Long> told = new HashMap<>();
            for (String line = running.inputReader().readLine();
                    !"ready".equals(line);
                    line = running.inputReader().readLine()) {
                final String[] words = Objects.requireNonNull(line).split(" ", -1);
                told.put(words[0], Long.parseLong(words[1], 16));
            }
            final TargetProcess process =
                    TargetProcess.find(TargetProcess.PROC, running.pid()).orElseThrow();
            final List<MappedImage> images = MappedImage.of(process);
            final MappedImage image = images.getFirst();
            final DynamicSymbols symbols = new DynamicSymbols(process, images);

            assertThat(image.buildId()).contains(BUILD_ID);
            assertThat(image.loadBias()).isEqualTo(told.get("start"));
            assertThat(images).anyMatch(other -> other.first().name().contains("libc.so"));
            assertThat(images).anyMatch(other -> other.first().name().equals("[vdso]"));
            assertThat(symbols.resolve(image, "exported")).hasValue(Objects.requireNonNull(told.get("exported")));
            assertThat(symbols.resolve(image, "getppid")).hasValue(Objects.requireNonNull(told.get("getppid")));
            assertThat(symbols.resolve(image, "memcpy"))
                    .as("an IFUNC resolves to what the loader chose")
                    .hasValue(Objects.requireNonNull(told.get("memcpy")));
            assertThat(symbols.resolve(image, "no_such_symbol")).isEmpty();
        } finally {
            running.destroyForcibly().waitFor();
        }
        assertThat(TargetProcess.find(TargetProcess.PROC, running.pid())).isEmpty();
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process whose first thread has ended while another goes on. */
final class EndedFirstThreadTest {
    private static final String SOURCE = """
        #include <pthread.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static void *run(void *unused)
        {
            char path[64], line[512] = "";
            while (!strstr(line, ") Z ")) {
                snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
                FILE *file = fopen(path, "r");
                if (!file || !fgets(line, sizeof(line), file))
                    return unused;
                fclose(file);
            }
            printf("%ld\\n", syscall(SYS_gettid));
            fflush(stdout);
            for (;;)
                pause();
        }
        int main(void)
        {
            pthread_t thread;
            return pthread_create(&thread, NULL, run, NULL) ? 1 : (pthread_exit(NULL), 0);
        }
        """;

    /** As kernels before 6.18 have it: its own memory can be opened, and there is nothing in it. */
    @Test
    void isSeenThroughTheOtherWhereItsOwnMemoryIsEmpty(@TempDir final Path proc) throws IOException {
        final Path first = Files.createDirectories(proc.resolve("7"));
        Files.writeString(first.resolve("stat"), "7 (p) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 100 0\n");
        Files.createFile(first.resolve("maps"));
        Files.createFile(first.resolve("mem"));
        final Path other = Files.createDirectories(first.resolve("task/8"));
        Files.writeString(other.resolve("stat"), "8 (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 101 0\n");
        Files.writeString(other.resolve("maps"), "00001000-00002000 r-xp 00000000 08:01 42 /program\n");
        Files.write(other.resolve("mem"), new byte[0x2000]);

        final TargetProcess process = TargetProcess.find(proc, 7).orElseThrow();
        assertThat(process.startTime()).isEqualTo(100);
        assertThat(process.isUnborn()).as("who has ended a thread has run").isFalse();
        assertThat(process.mappings()).extracting(Mapping::name).containsExactly("/program");
        assertThat(process.read(0x1000, 4)).hasSize(4);
        assertThat(process.mappedFile(process.mappings().getFirst())).isEqualTo(proc.resolve("8/map_files/1000-2000"));
    }

    @Test
    void isSeenThroughTheOther(@TempDir final Path directory) throws Exception {
        final Process running = new ProcessBuilder(
                        CProgram.compile(directory, "program", SOURCE).toString())
                .start();
        try {
            final int other = Integer.parseInt(
                    Objects.requireNonNull(running.inputReader().readLine()));
            final TargetProcess process =
                    TargetProcess.find(TargetProcess.PROC, running.pid()).orElseThrow();

            assertThat(process.alive()).isTrue();
            assertThat(process.isUnborn()).isFalse();
            assertThat(process.threads()).containsExactly(other);
            final List<MappedImage> images = MappedImage.of(process);
            final MappedImage program = images.getFirst();
            assertThat(program.first().name())
                    .isEqualTo(directory.resolve("program").toString());
            assertThat(process.read(program.first().start(), 4)).startsWith(0x7f, 'E', 'L', 'F');
            try (UnwindImage image = UnwindImage.open(process, program, 1 << 20)) {
                assertThat(image.length()).isPositive();
            }

            running.destroyForcibly().waitFor();
            assertThat(process.alive()).isFalse();
            assertThat(process.threads()).isEmpty();
        } finally {
            running.destroyForcibly().waitFor();
        }
    }
}

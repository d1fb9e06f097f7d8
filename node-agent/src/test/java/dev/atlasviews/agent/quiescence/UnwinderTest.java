// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.Registers;
import dev.atlasviews.agent.views.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that would have no other one unwound. */
final class UnwinderTest {
    private static final int PAGE = 0x1000;
    /** Of nothing. */
    private static final Snapshot SNAPSHOT =
            new Snapshot(7, 0, 0, new Registers(Collections.nCopies(17, 0L), 0), new byte[64], 0);

    @TempDir
    private Path proc;

    @Test
    void aFileThatCanNotBeOpenedKeepsNobodyElseWaiting() throws Exception {
        final TargetProcess hanging = process(7, 1);
        final Path file = hanging.mappedFile(hanging.mappings().getFirst());
        Files.delete(file);
        assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor())
                .isZero();
        final TargetProcess other = process(8, 1);
        try (ExecutorService threads = Executors.newCachedThreadPool();
                Unwinder unwinder = new Unwinder()) {
            assertThat(unwinder.start()).isTrue();
            final Future<Frames> hung = threads.submit(() -> unwind(unwinder, hanging));
            TimeUnit.SECONDS.sleep(1);
            final Future<Frames> frames = threads.submit(() -> unwind(unwinder, other));
            try {
                assertThat(frames.get(20, TimeUnit.SECONDS).reason())
                        .as("it was unwound, as far as it goes")
                        .contains("no unwind table");
                assertThat(hung.isDone()).isFalse();
            } finally {
                FileChannel.open(file, StandardOpenOption.WRITE).close();
            }
        }
    }

    @Test
    void moreImagesThanTheHelperTakesAreAGapAndEndNoHelper() throws Exception {
        final TargetProcess process = process(7, 5000);
        assertThat(MappedImage.of(process)).hasSize(5000);
        try (Unwinder unwinder = new Unwinder()) {
            final long helper = unwinder.helperPid();

            assertThat(unwind(unwinder, process).reason()).contains("no unwind table");
            assertThat(unwinder.helperPid()).isEqualTo(helper);
        }
    }

    @Test
    void whoHasTheHelperDieAgainIsScannedOnlyAndOthersAreNot() throws Exception {
        final TargetProcess process = process(7, 1);
        final TargetProcess other = process(8, 1);
        try (Unwinder unwinder = new Unwinder()) {
            for (int death = 0; death < 2; death++) {
                final ProcessHandle helper =
                        ProcessHandle.of(unwinder.helperPid()).orElseThrow();
                helper.destroyForcibly();
                helper.onExit().get();
                assertThat(unwind(unwinder, process).reason()).contains("died");
            }
            final long helper = unwinder.helperPid();

            assertThat(unwind(unwinder, process).reason()).isEqualTo("the unwind helper died of its stacks");
            assertThat(unwind(unwinder, other).reason()).contains("no unwind table");
            assertThat(unwinder.helperPid()).isEqualTo(helper);
        }
    }

    /** There is room for the program twice. */
    @Test
    void aProgramThatManyRunIsBroughtOnce() throws Exception {
        final int each = PAGE + 2048;
        try (ExecutorService threads = Executors.newCachedThreadPool();
                Unwinder unwinder = new Unwinder(2 * each)) {
            final long helper = unwinder.helperPid();
            final List<Callable<Frames>> tasks = new ArrayList<>();
            for (int pid = 10; pid < 26; pid++) {
                final TargetProcess process = process(pid, 1);
                tasks.add(() -> unwind(unwinder, process));
            }
            for (final Future<Frames> one : threads.invokeAll(tasks)) {
                assertThat(one.get(30, TimeUnit.SECONDS).reason()).contains("no unwind table");
            }
            assertThat(unwinder.helperPid()).isEqualTo(helper);
        }
    }

    private static Frames unwind(final Unwinder unwinder, final TargetProcess process) {
        try {
            return unwinder.unwind(process, MappedImage.of(process), SNAPSHOT);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A process that has mapped the same small program this many times. */
    private TargetProcess process(final long pid, final int times) throws IOException {
        final byte[] program = ByteBuffer.allocate(PAGE)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, 0x464c457f)
                .put(4, (byte) 2)
                .put(5, (byte) 1)
                .put(6, (byte) 1)
                .putShort(16, (short) 3)
                .putShort(18, (short) 62)
                .putInt(20, 1)
                .putLong(32, 64)
                .putShort(52, (short) 64)
                .putShort(54, (short) 56)
                .putShort(56, (short) 1)
                .putInt(64, 1)
                .putInt(68, 5)
                .putLong(64 + 32, PAGE)
                .putLong(64 + 40, PAGE)
                .putLong(64 + 48, PAGE)
                .array();
        final Path directory = Files.createDirectories(proc.resolve(Long.toString(pid)));
        final Path file = Files.write(proc.resolve("program"), program);
        Files.writeString(directory.resolve("stat"), pid + " (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
        final StringBuilder maps = new StringBuilder();
        try (FileChannel memory =
                FileChannel.open(directory.resolve("mem"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < times; i++) {
                final int start = 2 * PAGE * (i + 1);
                maps.append("%x-%x r-xp 00000000 08:01 42 /program%n".formatted(start, start + PAGE));
                memory.write(ByteBuffer.wrap(program), start);
            }
        }
        Files.writeString(directory.resolve("maps"), maps);
        final TargetProcess process = new TargetProcess(proc, pid, 100);
        for (final var mapping : process.mappings()) {
            Files.createDirectories(process.mappedFile(mapping).getParent());
            Files.createSymbolicLink(process.mappedFile(mapping), file);
        }
        return process;
    }
}

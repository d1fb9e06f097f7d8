// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * A process of this machine, seen through {@code /proc}.
 *
 * @param proc the proc file system it is seen through
 * @param pid its id there
 * @param startTime clock ticks since boot; with the id it names one process for ever
 */
public record TargetProcess(Path proc, long pid, long startTime) {
    /** The usual place. */
    public static final Path PROC = Path.of("/proc");

    private static final int MAX_MAPPINGS = 1 << 17;

    /** The process that has this id now; empty if none has. */
    public static Optional<TargetProcess> find(final Path proc, final long pid) {
        return startTime(proc, pid).map(startTime -> new TargetProcess(proc, pid, startTime));
    }

    /** Whether it still runs: the id is in use, by the same process, and it is no zombie. */
    public boolean alive() {
        return startTime(proc, pid).filter(time -> time == startTime).isPresent();
    }

    /** Its mappings, in the order of their addresses. */
    public List<Mapping> mappings() throws IOException {
        try (var reader = new BufferedReader(new InputStreamReader(
                new LittleByLittle(Files.newInputStream(path("maps"))), StandardCharsets.ISO_8859_1))) {
            return reader.lines()
                    .limit(MAX_MAPPINGS)
                    .map(Mapping::parse)
                    .flatMap(Optional::stream)
                    .toList();
        } catch (final UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Its memory as the base view has it.
     *
     * @throws IOException if a part of the range is not mapped, or it is no range, as where the process made up its numbers
     */
    public byte[] read(final long address, final int length) throws IOException {
        if (address < 0 || length < 0) {
            throw new IOException("process %d has no %d bytes at 0x%x".formatted(pid, length, address));
        }
        try (FileChannel memory = FileChannel.open(path("mem"), StandardOpenOption.READ)) {
            final ByteBuffer buffer = ByteBuffer.allocate(length);
            while (buffer.hasRemaining()) {
                if (memory.read(buffer, address + buffer.position()) <= 0) {
                    throw new IOException("process %d has no memory at 0x%x".formatted(pid, address));
                }
            }
            return buffer.array();
        }
    }

    /** The file behind a mapping, whatever has become of its path. */
    public Path mappedFile(final Mapping mapping) {
        return path("map_files").resolve("%x-%x".formatted(mapping.start(), mapping.end()));
    }

    /** The ids of its threads. */
    public List<Integer> threads() throws IOException {
        try (var entries = Files.list(path("task"))) {
            return entries.map(entry -> Integer.valueOf(entry.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (final NoSuchFileException e) {
            return List.of();
        }
    }

    private Path path(final String name) {
        return proc.resolve(Long.toString(pid)).resolve(name);
    }

    /** Field 22 of {@code /proc/PID/stat}; the name in field 2 may contain anything, so count from its last bracket. */
    private static Optional<Long> startTime(final Path proc, final long pid) {
        try {
            final String stat = new String(
                    Files.readAllBytes(proc.resolve(Long.toString(pid)).resolve("stat")),
                    java.nio.charset.StandardCharsets.ISO_8859_1);
            final String[] fields =
                    stat.substring(stat.lastIndexOf(')') + 2).trim().split(" ", -1);
            return fields[0].equals("Z") || fields[0].equals("X")
                    ? Optional.empty()
                    : Optional.of(Long.valueOf(fields[19]));
        } catch (final IOException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }
}

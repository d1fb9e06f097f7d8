// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A process of this machine, seen through {@code /proc}. Its first thread may have ended while others go on: the process is
 * then shown as a zombie that has no memory, and what the threads share is seen through one of the others.
 *
 * @param proc the proc file system it is seen through
 * @param pid its id there
 * @param startTime clock ticks since boot; with the id it names one process for ever
 */
public record TargetProcess(Path proc, long pid, long startTime) {
    /** The usual place. */
    public static final Path PROC = Path.of("/proc");

    /** What the kernel counts times in, for programs. */
    public static final long TICKS_PER_SECOND = 100;

    static final int MAX_MAPPINGS = 1 << 17;
    /** Names may have a page each: a process that has chosen such ones is not to take the memory of its reader. */
    private static final long MAX_MAPPED_TEXT = 32L << 20;

    /** Where a process is only of its own will, or of somebody's who stopped it; its first thread may have ended there. */
    private static final Set<String> RESTING = Set.of("S", "T", "t", "Z", "X");

    /** What the kernel says of a thread, or of a process, which goes by its first thread. */
    private record Stat(String state, long ranTicks, long startTime) {
        boolean ended() {
            return state.equals("Z") || state.equals("X");
        }
    }

    /**
     * The process that has this id now; empty if none has.
     *
     * @throws UncheckedIOException if that can not be told: who can not be read is not gone
     */
    public static Optional<TargetProcess> find(final Path proc, final long pid) {
        try {
            return living(proc.resolve(Long.toString(pid))).map(stat -> new TargetProcess(proc, pid, stat.startTime()));
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether it still runs: the id is in use, by the same process, and not all its threads have ended. Who can not be read is
     * not known to be gone.
     */
    public boolean alive() {
        try {
            return stat().isPresent();
        } catch (final IOException e) {
            return true;
        }
    }

    /**
     * Whether it may not have run any of its own code yet. A forked child comes into its creator's view on its first way to
     * user mode only.
     */
    public boolean isUnborn() throws IOException {
        return stat().filter(stat -> stat.ranTicks() == 0 && !RESTING.contains(stat.state()))
                .isPresent();
    }

    /**
     * Its mappings, in the order of their addresses.
     *
     * @throws IOException if they can not be read, or are too many: some of them only could look like another process
     */
    public List<Mapping> mappings() throws IOException {
        final List<Mapping> mappings = mappings(path("maps"));
        final Optional<Path> other = mappings.isEmpty() ? standIn() : Optional.empty();
        return other.isEmpty() ? mappings : mappings(other.get().resolve("maps"));
    }

    /** Line feeds alone end lines: the kernel escapes these in names, and nothing else. */
    private List<Mapping> mappings(final Path maps) throws IOException {
        final List<Mapping> mappings = new ArrayList<>();
        final StringBuilder line = new StringBuilder();
        final byte[] piece = new byte[LittleByLittle.MOST];
        try (InputStream in = new LittleByLittle(Files.newInputStream(maps))) {
            long read = 0;
            for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
                read += length;
                for (int i = 0; i < length; i++) {
                    if (piece[i] != '\n') {
                        line.append((char) (piece[i] & 0xff));
                    } else {
                        Mapping.parse(line.toString()).ifPresent(mappings::add);
                        line.setLength(0);
                    }
                }
                if (mappings.size() > MAX_MAPPINGS) {
                    throw new IOException(
                            "process %d has more mappings than are read: over %d".formatted(pid, MAX_MAPPINGS));
                }
                if (read > MAX_MAPPED_TEXT) {
                    throw new IOException("process %d has mappings with longer names than are read: over %d bytes"
                            .formatted(pid, MAX_MAPPED_TEXT));
                }
            }
        }
        return List.copyOf(mappings);
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
        try {
            return read(path(""), address, length);
        } catch (final IOException e) {
            final Optional<Path> other = standIn();
            if (other.isEmpty()) {
                throw e;
            }
            return read(other.get(), address, length);
        }
    }

    private byte[] read(final Path thread, final long address, final int length) throws IOException {
        try (FileChannel memory = FileChannel.open(thread.resolve("mem"), StandardOpenOption.READ)) {
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
    public Path mappedFile(final Mapping mapping) throws IOException {
        // A thread has these files not below its process, but where its own id would be a process', though it is not
        // listed.
        final Path directory =
                standIn().map(thread -> proc.resolve(thread.getFileName())).orElse(path(""));
        return directory.resolve("map_files").resolve("%x-%x".formatted(mapping.start(), mapping.end()));
    }

    /** The ids of its threads, without the first where it has ended. */
    public List<Integer> threads() throws IOException {
        final boolean ended = stat(path("")).filter(Stat::ended).isPresent();
        return threads(path("")).stream().filter(tid -> !ended || tid != pid).toList();
    }

    private static List<Integer> threads(final Path process) throws IOException {
        try (var entries = Files.list(process.resolve("task"))) {
            return entries.map(entry -> Integer.valueOf(entry.getFileName().toString()))
                    .sorted()
                    .toList();
        } catch (final NoSuchFileException e) {
            return List.of();
        } catch (final UncheckedIOException e) {
            if (Files.notExists(process)) {
                return List.of();
            }
            throw e.getCause();
        }
    }

    private Optional<Path> standIn() throws IOException {
        return standIn(path(""));
    }

    /**
     * The directory of a thread through which to look at a process whose first thread has ended; empty if it has not, or all
     * have.
     *
     * @param process its directory
     * @throws IOException if that can not be told
     */
    public static Optional<Path> standIn(final Path process) throws IOException {
        if (stat(process).filter(Stat::ended).isPresent()) {
            for (final int tid : threads(process)) {
                final Path thread = process.resolve("task").resolve(Integer.toString(tid));
                if (stat(thread).filter(stat -> !stat.ended()).isPresent()) {
                    return Optional.of(thread);
                }
            }
        }
        return Optional.empty();
    }

    private Path path(final String name) {
        return proc.resolve(Long.toString(pid)).resolve(name);
    }

    private Optional<Stat> stat() throws IOException {
        return living(path("")).filter(stat -> stat.startTime() == startTime);
    }

    /** What the kernel says of a process of which not all threads have ended. */
    private static Optional<Stat> living(final Path process) throws IOException {
        final Optional<Stat> first = stat(process);
        if (first.filter(Stat::ended).isEmpty()) {
            return first;
        }
        final Optional<Path> other = standIn(process);
        final Optional<Stat> living = other.isEmpty() ? Optional.empty() : stat(other.get());
        return living.map(stat ->
                new Stat(stat.state(), first.get().ranTicks(), first.get().startTime()));
    }

    /**
     * Fields 3, 14, 15 and 22 of {@code stat}; the name in field 2 may contain anything, so count from its last bracket.
     *
     * @param directory of a process or a thread
     */
    private static Optional<Stat> stat(final Path directory) throws IOException {
        try {
            final String stat = Files.readString(directory.resolve("stat"), StandardCharsets.ISO_8859_1);
            final String[] fields =
                    stat.substring(stat.lastIndexOf(')') + 2).trim().split(" ", -1);
            return Optional.of(new Stat(
                    fields[0], Long.parseLong(fields[11]) + Long.parseLong(fields[12]), Long.parseLong(fields[19])));
        } catch (final NoSuchFileException | IndexOutOfBoundsException e) {
            return Optional.empty();
        } catch (final IOException e) {
            // Of one that ends while it is read the kernel says so in other words.
            if (Files.notExists(directory)) {
                return Optional.empty();
            }
            throw e;
        }
    }
}

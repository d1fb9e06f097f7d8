// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfSegment;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The files of a process: it has one program at a fixed address, whose functions are 16 bytes each. */
final class FakeProcess {
    static final String BUILD_ID = "feedface00";
    static final long FUNCTIONS = 0x40_1000;
    static final int FUNCTION_SIZE = 16;

    private static final int PROGRAM = 0x40_0000;
    private static final int PID = 7;
    private static final int START_TIME = 100;

    private final Path directory;
    private final TargetProcess process;

    FakeProcess(final Path proc) throws IOException {
        directory = Files.createDirectories(proc.resolve(Integer.toString(PID)));
        process = new TargetProcess(proc, PID, START_TIME);
        Files.writeString(
                directory.resolve("maps"), "0000000000400000-0000000000410000 r-xp 00000000 08:01 42 /program\n");
        Files.writeString(
                directory.resolve("stat"), PID + " (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + START_TIME + " 0\n");
        final byte[] program = new byte[0x1_0000];
        Arrays.fill(program, 0x1000, 0x2000, (byte) 0x90);
        final byte[] id = java.util.HexFormat.of().parseHex(BUILD_ID);
        ByteBuffer.wrap(program)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, 0x464c457f)
                .put(4, (byte) 2)
                .putLong(32, 64)
                .putShort(56, (short) 2)
                .putInt(64, 1)
                .putLong(80, PROGRAM)
                .putLong(104, 0x1_0000)
                .putInt(120, 4)
                .putLong(136, PROGRAM + 0x200)
                .putLong(160, 16 + id.length)
                .putInt(0x200, 4)
                .putInt(0x204, id.length)
                .putInt(0x208, 3)
                .putInt(0x20c, 0x554e47)
                .put(0x210, id);
        store(PROGRAM, program);
    }

    TargetProcess process() {
        return process;
    }

    void exit() throws IOException {
        Files.delete(directory.resolve("stat"));
    }

    /** As the module maps an area. */
    void map(final long address, final long length, final byte[] content, final String name) {
        try {
            claim(address, length, name);
            store(address, Arrays.copyOf(content, (int) length));
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An area that nobody looks into. */
    void claim(final long address, final long length, final String name) throws IOException {
        list(address, address + length, "00:01 0 /atlas:" + name);
    }

    /** The kernel lists mappings in the order of their addresses. */
    private void list(final long start, final long end, final String file) throws IOException {
        final Path maps = directory.resolve("maps");
        final List<String> lines = new ArrayList<>(Files.readAllLines(maps));
        lines.add("%016x-%016x r-xp 00000000 %s".formatted(start, end, file));
        Files.write(maps, lines.stream().sorted().toList());
    }

    /** As the dynamic loader maps a library, but for the permissions of its parts. */
    void load(final long address, final Path library) throws IOException {
        final ElfFile file = ElfFile.read(library);
        final byte[] content = Files.readAllBytes(library);
        long end = address;
        for (final ElfSegment segment : file.segments()) {
            if (segment.type() == Elf.PT_LOAD) {
                final int offset = Math.toIntExact(segment.offset());
                store(
                        address + segment.address(),
                        Arrays.copyOfRange(content, offset, offset + Math.toIntExact(segment.fileSize())));
                end = address + segment.address() + segment.memorySize();
            }
        }
        list(address, Areas.aligned(end), "08:01 %d %s".formatted(address >> 12, library));
    }

    void store(final long address, final byte[] content) throws IOException {
        try (RandomAccessFile memory =
                new RandomAccessFile(directory.resolve("mem").toFile(), "rw")) {
            memory.seek(address);
            memory.write(content);
        }
    }

    /** A patch that replaces functions of the program, given by their numbers. */
    static Patch patch(final String name, final List<String> basedOn, final int... functions) {
        final byte[] old = new byte[FUNCTION_SIZE];
        Arrays.fill(old, (byte) 0x90);
        return patch(
                name,
                basedOn,
                Arrays.stream(functions)
                        .mapToObj(number -> new PatchFunction(
                                "function" + number,
                                name + ".o",
                                new PatchFunction.OldBody(
                                        FUNCTIONS + number * 0x100L, FUNCTION_SIZE, LayerStack.sha256(old), 0, null),
                                new PatchFunction.NewBody(number * 32L, FUNCTION_SIZE, null)))
                        .toList(),
                null);
    }

    static Patch patch(
            final String name,
            final List<String> basedOn,
            final List<PatchFunction> functions,
            final @Nullable PatchArea text) {
        return new Patch(
                digest(name),
                basedOn.stream().map(FakeProcess::digest).toList(),
                List.of(target(BUILD_ID, name + ".o", functions, text)));
    }

    static PatchTarget target(
            final String buildId,
            final String unit,
            final List<PatchFunction> functions,
            final @Nullable PatchArea text) {
        return new PatchTarget(
                buildId,
                "program",
                false,
                List.of(unit),
                functions,
                List.of(),
                text != null
                        ? text
                        : new PatchArea(("code of " + unit).getBytes(StandardCharsets.US_ASCII), 4096, List.of()),
                PatchArea.EMPTY,
                PatchArea.EMPTY);
    }

    static String digest(final String name) {
        return LayerStack.sha256(name.getBytes(StandardCharsets.US_ASCII));
    }
}

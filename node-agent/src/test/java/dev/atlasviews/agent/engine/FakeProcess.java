// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.engine;

import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.elf.ElfSegment;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchArea;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.RelocationTarget;
import dev.atlasviews.agent.patch.Sha256;
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
    static final String LIBRARY_ID = "0ddba11000";
    static final long FUNCTIONS = 0x40_1000;
    static final int FUNCTION_SIZE = 16;

    private static final int PROGRAM = 0x40_0000;
    private static final int IMAGE_SIZE = 0x1_0000;
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
        store(PROGRAM, image(PROGRAM, BUILD_ID));
    }

    /** An ELF file as it lies in memory, with functions of nothing but {@code nop}. */
    private static byte[] image(final long address, final String buildId) {
        final byte[] image = new byte[IMAGE_SIZE];
        Arrays.fill(image, 0x1000, 0x2000, (byte) 0x90);
        final byte[] id = java.util.HexFormat.of().parseHex(buildId);
        ByteBuffer.wrap(image)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, 0x464c457f)
                .put(4, (byte) 2)
                .putLong(32, 64)
                .putShort(56, (short) 2)
                .putInt(64, 1)
                .putLong(80, address)
                .putLong(104, IMAGE_SIZE)
                .putInt(120, 4)
                .putLong(136, address + 0x200)
                .putLong(160, 16 + id.length)
                .putInt(0x200, 4)
                .putInt(0x204, id.length)
                .putInt(0x208, 3)
                .putInt(0x20c, 0x554e47)
                .put(0x210, id);
        return image;
    }

    TargetProcess process() {
        return process;
    }

    /** The library for which {@link #libraryPatch} is, at an address. */
    void loadLibrary(final long address) throws IOException {
        store(address, image(0, LIBRARY_ID));
        list(address, address + IMAGE_SIZE, "08:01 43 /library");
    }

    /** Returns how long the library was. */
    long unloadLibrary(final long address) throws IOException {
        final Path maps = directory.resolve("maps");
        final List<String> lines = new ArrayList<>(Files.readAllLines(maps));
        if (!lines.removeIf(line -> line.startsWith("%016x-".formatted(address)))) {
            throw new IOException("nothing is loaded at 0x" + Long.toHexString(address));
        }
        Files.write(maps, lines);
        return IMAGE_SIZE;
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
                                        FUNCTIONS + number * 0x100L, FUNCTION_SIZE, Sha256.hex(old), 0, null),
                                new PatchFunction.NewBody(number * 32L, FUNCTION_SIZE, null)))
                        .toList(),
                null);
    }

    /** A patch that replaces a function of the library, and perhaps one of the program as well. */
    static Patch libraryPatch(final String name, final int function, final PatchTarget... others) {
        final PatchTarget program = patch(name, List.of(), function).targets().getFirst();
        final PatchFunction replaced = program.functions().getFirst();
        final PatchFunction.OldBody old = java.util.Objects.requireNonNull(replaced.oldBody());
        final List<PatchTarget> targets = new ArrayList<>(List.of(others));
        targets.add(new PatchTarget(
                LIBRARY_ID,
                "library",
                true,
                program.units(),
                List.of(new PatchFunction(
                        replaced.name(),
                        replaced.unit(),
                        new PatchFunction.OldBody(old.address() - PROGRAM, old.size(), old.sha256(), 0, null),
                        replaced.newBody())),
                List.of(),
                program.text(),
                PatchArea.EMPTY,
                PatchArea.EMPTY));
        return new Patch(digest(name), List.of(), targets);
    }

    /** A patch for the library whose code refers to the library. */
    static Patch patchOfOwnLibrary(final String name) {
        final PatchTarget target = libraryPatch(name, 1).targets().getFirst();
        return new Patch(
                digest(name),
                List.of(),
                List.of(new PatchTarget(
                        LIBRARY_ID,
                        "library",
                        true,
                        target.units(),
                        target.functions(),
                        List.of(),
                        new PatchArea(
                                new byte[64],
                                4096,
                                List.of(new PatchRelocation(
                                        0,
                                        PatchRelocation.Kind.PC32,
                                        new RelocationTarget.InImage("other", 0x1200),
                                        -4))),
                        PatchArea.EMPTY,
                        PatchArea.EMPTY)));
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
        return Sha256.hex(name.getBytes(StandardCharsets.US_ASCII));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.elf.Elf;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.AreaAddresses;
import dev.atlasviews.agent.patch.LinkedPatch;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchLinkException;
import dev.atlasviews.agent.patch.PatchLinker;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.PatchVariable;
import dev.atlasviews.agent.patch.Sha256;
import dev.atlasviews.agent.patch.SymbolResolver;
import dev.atlasviews.agent.patch.UnwindRoutine;
import dev.atlasviews.agent.process.AmbiguousSymbolException;
import dev.atlasviews.agent.process.DynamicSymbols;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.TargetProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A real process that a test patches in place, without the kernel module: the areas are mapped by a preloaded library
 * and filled through {@code /proc/PID/mem}; the whole process sees the change, so that it must be idle meanwhile.
 */
public final class PatchedProgram implements AutoCloseable {
    private static final int HALF_AN_AREA = 1 << 19;

    private final Process process;
    private final long programBias;
    private final AreaAddresses areas;
    private final long unwinderArea;
    private final Writer in;
    private final BufferedReader out;

    /** Starts a program with the areas reserved. */
    public PatchedProgram(final Path directory, final Path program, final String... arguments)
            throws IOException, InterruptedException {
        this(directory, program, null, arguments);
    }

    /** Starts a program with areas reserved near a library that it loads. */
    public static PatchedProgram withLibrary(final Path directory, final Path program, final Path library)
            throws IOException, InterruptedException {
        return new PatchedProgram(directory, program, library);
    }

    private PatchedProgram(
            final Path directory, final Path program, final @Nullable Path library, final String... arguments)
            throws IOException, InterruptedException {
        final Path preload = preload(directory);
        final Path addresses = Files.createTempFile(directory, "areas", "");
        Files.delete(addresses);
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        final ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.directory(directory.toFile());
        builder.environment().put("LD_PRELOAD", preload.toString());
        builder.environment().put("ATLAS_TEST_AREAS", addresses.toString());
        if (library != null) {
            builder.environment().put("ATLAS_TEST_LIBRARY", library.toString());
        }
        process = builder.start();
        in = process.outputWriter();
        out = process.inputReader();
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .failFast(
                        "the program has ended before it had its areas",
                        () -> !process.isAlive() && !Files.exists(addresses))
                .until(() -> Files.exists(addresses));
        final String[] fields = Files.readString(addresses).trim().split(" ", -1);
        final boolean independent = ElfFile.read(program).type() == Elf.ET_DYN;
        programBias = independent ? Long.parseLong(fields[0]) : 0;
        areas = new AreaAddresses(Long.parseLong(fields[1]), Long.parseLong(fields[2]), Long.parseLong(fields[3]));
        unwinderArea = Long.parseLong(fields[4]);
    }

    private static Path preload(final Path directory) throws IOException, InterruptedException {
        final Path library = directory.resolve("reserve");
        if (Files.exists(library)) {
            return library;
        }
        try (var source = PatchedProgram.class.getResourceAsStream("/dev/atlasviews/agent/patch/reserve.c")) {
            final String text = new String(Objects.requireNonNull(source).readAllBytes(), StandardCharsets.UTF_8);
            return CProgram.compile(directory, "reserve", text, "-shared", "-fPIC");
        }
    }

    /** Links the patch for this process, checks that it runs the old code, and installs it. */
    public void install(final Patch patch) throws Exception {
        install(patch, programBias, this::resolve);
    }

    /** The same for a library that the program has loaded. */
    public void installInLibrary(final Patch patch, final Path library) throws Exception {
        final TargetProcess target =
                TargetProcess.find(TargetProcess.PROC, process.pid()).orElseThrow();
        final List<MappedImage> images = MappedImage.of(target);
        final MappedImage image = images.stream()
                .filter(candidate -> candidate.first().name().equals(library.toString()))
                .findFirst()
                .orElseThrow(() -> new IOException(library + " is not loaded"));
        final DynamicSymbols symbols = new DynamicSymbols(target, images);
        install(patch, image.loadBias(), symbol -> {
            try {
                return symbols.resolve(image, symbol);
            } catch (final AmbiguousSymbolException e) {
                throw new PatchLinkException(String.valueOf(e.getMessage()));
            }
        });
    }

    private void install(final Patch patch, final long loadBias, final SymbolResolver symbols) throws Exception {
        final PatchTarget target = patch.targets().getFirst();
        final LinkedPatch linked = PatchLinker.link(target, loadBias, areas, Map.of(), symbols);
        try (RandomAccessFile memory = new RandomAccessFile("/proc/" + process.pid() + "/mem", "rw")) {
            for (final LinkedPatch.Body body : linked.bodies()) {
                if (body.oldEnd() > body.oldStart()) {
                    final byte[] live = new byte[(int) (body.oldEnd() - body.oldStart())];
                    memory.seek(body.oldStart());
                    memory.readFully(live);
                    assertThat(Sha256.hex(live)).as(body.function()).isEqualTo(body.oldSha256());
                }
            }
            write(memory, areas.text(), linked.text());
            write(memory, areas.constants(), linked.constants());
            write(memory, areas.data(), linked.data());
            for (final LinkedPatch.Jump jump : linked.jumps()) {
                write(memory, jump.address(), jump.code());
            }
            if (!UnwindRoutine.described(linked.bodies()).isEmpty()) {
                divertUnwinder(memory, linked);
            }
        }
    }

    /** Installs a patch in the place of one that is installed, with whose variables it goes on. */
    void upgrade(final Patch installed, final Patch patch) throws Exception {
        final PatchTarget target = patch.targets().getFirst();
        final Map<Long, Long> kept = new HashMap<>();
        for (final PatchVariable variable : target.variables()) {
            installed.targets().getFirst().variables().stream()
                    .filter(earlier -> earlier.name().equals(variable.name()))
                    .forEach(earlier -> kept.put(variable.offset(), areas.data() + earlier.offset()));
        }
        final AreaAddresses above = new AreaAddresses(
                areas.text() + HALF_AN_AREA, areas.constants() + HALF_AN_AREA, areas.data() + HALF_AN_AREA);
        final LinkedPatch linked = PatchLinker.link(target, programBias, above, kept, this::resolve);
        try (RandomAccessFile memory = new RandomAccessFile("/proc/" + process.pid() + "/mem", "rw")) {
            write(memory, above.text(), linked.text());
            write(memory, above.constants(), linked.constants());
            write(memory, above.data(), linked.data());
            for (final LinkedPatch.Jump jump : linked.jumps()) {
                write(memory, jump.address(), jump.code());
            }
        }
    }

    private void divertUnwinder(final RandomAccessFile memory, final LinkedPatch linked) throws Exception {
        final long finder =
                definition("/libgcc_s.so", "_Unwind_Find_FDE").orElseThrow(() -> new IOException("no unwinder"));
        final byte[] code = new byte[UnwindRoutine.FINDER_BYTES];
        memory.seek(finder);
        memory.readFully(code);
        final UnwindRoutine routine = new UnwindRoutine(finder, code);
        write(memory, unwinderArea, routine.link(unwinderArea, linked.bodies()));
        final LinkedPatch.Jump jump = routine.jump(unwinderArea);
        write(memory, jump.address(), jump.code());
    }

    /** Library symbols, as the dynamic loader finds them. */
    private OptionalLong resolve(final String symbol) {
        return definition(".so", symbol);
    }

    /** A symbol of the loaded libraries that have this in their name. */
    private OptionalLong definition(final String library, final String symbol) {
        try {
            for (final String mapping : Files.readAllLines(Path.of("/proc", String.valueOf(process.pid()), "maps"))) {
                final int path = mapping.indexOf('/');
                if (path >= 0 && mapping.substring(path).contains(library) && mapping.contains(" 00000000 ")) {
                    final long base = Long.parseUnsignedLong(mapping.substring(0, mapping.indexOf('-')), 16);
                    final OptionalLong found = ElfFile.read(Path.of(mapping.substring(path))).dynamicSymbols().stream()
                            .filter(candidate ->
                                    candidate.isDefined() && candidate.name().equals(symbol))
                            .mapToLong(candidate -> base + candidate.value())
                            .findFirst();
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
            return OptionalLong.empty();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(final RandomAccessFile memory, final long address, final byte[] bytes)
            throws IOException {
        memory.seek(address);
        memory.write(bytes);
    }

    /** Sends a line and returns the line that comes back. */
    public String ask(final String line) throws IOException {
        in.write(line + "\n");
        in.flush();
        final String answer = out.readLine();
        if (answer == null) {
            throw new IOException("the program has ended");
        }
        return answer;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        process.onExit().join();
    }
}

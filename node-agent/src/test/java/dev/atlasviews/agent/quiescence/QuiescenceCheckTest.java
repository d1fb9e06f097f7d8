// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.quiescence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.process.MappedImage;
import dev.atlasviews.agent.process.Mapping;
import dev.atlasviews.agent.process.TargetProcess;
import dev.atlasviews.agent.views.AddressRange;
import dev.atlasviews.agent.views.Registers;
import dev.atlasviews.agent.views.Snapshot;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real threads of a real program, stopped where we know what is on their stacks. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class QuiescenceCheckTest {
    private final Map<String, Integer> threads = new HashMap<>();
    private final Map<String, AddressRange> functions = new HashMap<>();
    private final Unwinder unwinder = new Unwinder();
    private @Nullable Process program;
    private TargetProcess target = new TargetProcess(TargetProcess.PROC, 0, 0);
    private Path snapshot = Path.of("");

    @BeforeAll
    void startProgram(@TempDir final Path directory) throws Exception {
        snapshot = CProgram.compile(directory, "snapshot", source("snapshot.c"));
        final Path stacks = CProgram.compile(directory, "stacks", source("stacks.c"), "-O2", "-fomit-frame-pointer");
        final Process started = new ProcessBuilder(stacks.toString()).start();
        program = started;
        target = TargetProcess.find(TargetProcess.PROC, started.pid()).orElseThrow();
        final BufferedReader output = started.inputReader();
        for (String line = output.readLine(); line != null && !line.equals("ready"); line = output.readLine()) {
            final String[] words = line.split(" ", -1);
            if (words[0].startsWith("=")) {
                functions.put(
                        words[0].substring(1),
                        new AddressRange(Long.parseLong(words[1], 16), Long.parseLong(words[2], 16)));
            } else {
                threads.put(words[0], Integer.valueOf(words[1]));
            }
        }
        threads.put("main", (int) started.pid());
    }

    @AfterAll
    void stopProgram() {
        Objects.requireNonNull(program).destroyForcibly();
        unwinder.close();
    }

    @Test
    void framesOfAPlainStackAreExact() throws Exception {
        final Frames frames = frames("plain");

        assertThat(frames.complete()).as(frames.reason()).isTrue();
        assertThat(frames.addresses().stream().map(this::function).filter(name -> !name.isEmpty()))
                .containsExactly("inner", "middle", "outer");
    }

    @Test
    void signalFramesAreUnderstood() throws Exception {
        final Frames frames = frames("signalled");

        assertThat(frames.complete()).as(frames.reason()).isTrue();
        assertThat(frames.addresses().stream().map(this::function).filter(name -> !name.isEmpty()))
                .containsExactly("inner", "handler", "outer");
    }

    @Test
    void aThreadIsHeldByWhatIsOnItsStackOnly() throws Exception {
        assertThat(check("plain", "middle"))
                .isInstanceOfSatisfying(
                        Quiescence.Held.class,
                        held -> assertThat(function(held.address())).isEqualTo("middle"));
        assertThat(check("plain", "unused", "handler")).isEqualTo(new Quiescence.Reached(true));
        assertThat(check("main", "inner", "unused")).isEqualTo(new Quiescence.Reached(true));
    }

    @Test
    void withoutUnwindTablesTheStackIsScanned() throws Exception {
        assertThat(frames("untabled").complete()).isFalse();
        assertThat(check("untabled", "unused", "handler")).isEqualTo(new Quiescence.Reached(false));
        assertThat(check("untabled", "middle")).isInstanceOf(Quiescence.Held.class);
    }

    @Test
    void aScanFindsWhereASignalInterruptedWhatIsToChange() throws Exception {
        assertThat(frames("trapped").complete()).isFalse();
        assertThat(check("trapped", "unused", "outer")).isEqualTo(new Quiescence.Reached(false));
        assertThat(check("trapped", "trap")).isInstanceOfSatisfying(Quiescence.Held.class, held -> {
            assertThat(function(held.address())).isEqualTo("trap");
            assertThat(held.reason()).contains("where a signal interrupted it");
        });
    }

    @Test
    void aStackThatHidesBehindAnotherHoldsTheThread() throws Exception {
        assertThat(frames("alternate").complete()).isFalse();
        assertThat(check("alternate", "outer")).isInstanceOf(Quiescence.Held.class);
        assertThat(check("alternate", "unused"))
                .isInstanceOfSatisfying(
                        Quiescence.Held.class, held -> assertThat(held.reason()).contains("can not be seen whole"));
    }

    @Test
    void theFirstThreadOfAChildThatAnotherThreadForkedIsOnACopyOfThatThreadsStack() throws Exception {
        final TargetProcess child = child("forked");

        assertThat(check(child, take(child, "forked"), "middle"))
                .isInstanceOfSatisfying(
                        Quiescence.Held.class,
                        held -> assertThat(function(held.address())).isEqualTo("middle"));
        assertThat(check(child, take(child, "forked"), "unused", "handler")).isEqualTo(new Quiescence.Reached(true));
    }

    @Test
    void inSuchAChildAStackThatHidesBehindAnotherHoldsTheThreadToo() throws Exception {
        final TargetProcess child = child("forked_alternate");

        assertThat(check(child, take(child, "forked_alternate"), "outer")).isInstanceOf(Quiescence.Held.class);
        assertThat(check(child, take(child, "forked_alternate"), "unused")).isInstanceOf(Quiescence.Held.class);
    }

    @Test
    void aDescriptorThatNamesNoStackIsNotAtTheTopOfTheFirstThreads() throws Exception {
        final Snapshot taken = take("plain");
        // As if the first thread were on an alternate stack right below where its descriptor lies.
        final Snapshot below = new Snapshot(
                (int) target.pid(),
                taken.view(),
                taken.sequence(),
                new Registers(taken.registers().dwarf(), taken.registers().stackPointer() + taken.stack().length - 64),
                taken.stack(),
                taken.stackEnd());

        assertThat(check(below, "unused")).isInstanceOf(Quiescence.Held.class);
    }

    @Test
    void completeFramesOnAStackThatIsNotTheThreadsOwnAreNotAll() throws Exception {
        final Snapshot taken = take("plain");
        final Snapshot elsewhere = new Snapshot(
                taken.tid(),
                taken.view(),
                taken.sequence(),
                new Registers(taken.registers().dwarf(), 0),
                taken.stack(),
                taken.stackEnd());

        assertThat(check(taken, "unused")).isEqualTo(new Quiescence.Reached(true));
        assertThat(check(elsewhere, "unused"))
                .isInstanceOfSatisfying(
                        Quiescence.Held.class, held -> assertThat(held.reason()).contains("own stack"));
    }

    @Test
    void aScanFindsReturnAddressesWhateverTheAlignmentOfTheStackPointer() throws Exception {
        final Snapshot taken = take("untabled");
        for (int odd = 0; odd < Long.BYTES; odd++) {
            final List<Long> registers = new ArrayList<>(taken.registers().dwarf());
            registers.set(7, taken.registers().stackPointer() - odd);
            final byte[] stack = new byte[odd + taken.stack().length];
            System.arraycopy(taken.stack(), 0, stack, odd, taken.stack().length);
            final Snapshot shifted = new Snapshot(
                    taken.tid(),
                    taken.view(),
                    taken.sequence(),
                    new Registers(registers, taken.registers().fsBase()),
                    stack,
                    taken.stackEnd());

            assertThat(check(shifted, "middle")).as("%d bytes", odd).isInstanceOf(Quiescence.Held.class);
        }
    }

    /** Of a process with many threads that would take longer than all else. */
    @Test
    void aStackIsJudgedWithoutReadingWhatElseIsMapped(@TempDir final Path proc) throws Exception {
        final Path real = Path.of("/proc", Long.toString(target.pid()));
        final Path own = Files.createDirectories(proc.resolve(Long.toString(target.pid())));
        final Path maps = Files.copy(real.resolve("maps"), own.resolve("maps"));
        Files.copy(real.resolve("stat"), own.resolve("stat"));
        for (final String file : List.of("mem", "map_files")) {
            Files.createSymbolicLink(own.resolve(file), real.resolve(file));
        }
        final QuiescenceCheck check =
                new QuiescenceCheck(unwinder, new TargetProcess(proc, target.pid(), target.startTime()));
        // What is handed to the unwind helper is looked at, once.
        assertThat(check.check(take("plain"), List.of())).isEqualTo(new Quiescence.Reached(true));
        Files.delete(maps);

        assertThat(check.check(take("plain"), List.of())).isEqualTo(new Quiescence.Reached(true));
    }

    /**
     * By the tables of the first library the return address of a function of the second one would lie where that has zeros,
     * which is how stacks end.
     */
    @ParameterizedTest
    @ValueSource(strings = {"sha1", "none"})
    void aLibraryInThePlaceOfAnotherIsUnwoundByItsOwnTables(final String buildId, @TempDir final Path directory)
            throws Exception {
        final Path first = library(directory, "libfirst.so", buildId, 40);
        final Path second = library(directory, "libsecond.so", buildId, 56);
        final Process running = host(directory, first, second);
        try (BufferedReader output = running.inputReader()) {
            final TargetProcess replacing =
                    TargetProcess.find(TargetProcess.PROC, running.pid()).orElseThrow();
            assertThat(output.readLine()).isEqualTo("first");
            final QuiescenceCheck before = new QuiescenceCheck(unwinder, replacing);
            threads.put("replaces", (int) running.pid());
            assertThat(before.check(take(replacing, "replaces"), List.of())).isEqualTo(new Quiescence.Reached(true));
            final List<AddressRange> outer = replace(running, output, "replaced");

            assertThat(before.check(take(replacing, "replaced"), outer))
                    .isInstanceOfSatisfying(
                            Quiescence.Held.class,
                            held -> assertThat(held.reason()).isEqualTo("active on its stack"));
        } finally {
            running.destroyForcibly();
        }
    }

    /** It has the second library mapped while its mappings and its memory are looked at, and the first when that is opened. */
    @Test
    void aProcessDeceivesOnlyItselfAboutWhatItHasMapped(@TempDir final Path directory) throws Exception {
        final Path first = library(directory, "libfirst.so", "sha1", 40);
        final Path second = library(directory, "libsecond.so", "sha1", 56);
        final Process running = host(directory, first, second);
        try (BufferedReader output = running.inputReader();
                Unwinder shared = new Unwinder()) {
            final TargetProcess honest =
                    TargetProcess.find(TargetProcess.PROC, running.pid()).orElseThrow();
            assertThat(output.readLine()).isEqualTo("first");
            final List<AddressRange> outer = replace(running, output, "honest");
            final Path real = Path.of("/proc", Long.toString(running.pid()));
            final Path fake = Files.createDirectories(directory.resolve("1"));
            for (final String file : List.of("maps", "mem", "stat")) {
                Files.createSymbolicLink(fake.resolve(file), real.resolve(file));
            }
            Files.createDirectory(fake.resolve("map_files"));
            final TargetProcess deceiver = TargetProcess.find(directory, 1).orElseThrow();
            for (final Mapping mapping : deceiver.mappings()) {
                Files.createSymbolicLink(
                        deceiver.mappedFile(mapping),
                        mapping.name().equals(second.toString()) ? first : honest.mappedFile(mapping));
            }
            final Snapshot taken = take(honest, "honest");

            final Frames deceived = shared.unwind(deceiver, MappedImage.of(deceiver), taken);
            assertThat(deceived.complete()).as("it ends early: %s", deceived).isTrue();
            assertThat(deceived.addresses())
                    .noneMatch(address -> outer.stream().anyMatch(body -> body.contains(address)));
            assertThat(new QuiescenceCheck(shared, honest).check(taken, outer))
                    .isInstanceOfSatisfying(
                            Quiescence.Held.class,
                            held -> assertThat(held.reason()).isEqualTo("active on its stack"));
        } finally {
            running.destroyForcibly();
        }
    }

    private static Process host(final Path directory, final Path first, final Path second) throws Exception {
        final Path host = CProgram.compile(directory, "host", source("replaced.c"));
        return new ProcessBuilder(host.toString(), first.toString(), second.toString()).start();
    }

    /** Has the host replace the first library, and names its new thread; returns what that came through. */
    private List<AddressRange> replace(final Process host, final BufferedReader output, final String thread)
            throws IOException {
        host.getOutputStream().write('\n');
        host.getOutputStream().flush();
        assertThat(output.readLine()).as("at the same address").isEqualTo("second");
        final String[] words = output.readLine().split(" ", -1);
        threads.put(thread, Integer.valueOf(words[0]));
        return List.of(new AddressRange(Long.parseLong(words[1], 16), Long.parseLong(words[2], 16)));
    }

    @Test
    void anImageThatIsNoLongerThereIsNotTakenForWhatIs() throws Exception {
        final List<MappedImage> others = MappedImage.of(target).stream()
                .map(image -> new MappedImage(image.first(), image.end(), image.loadBias(), Optional.of("0123")))
                .toList();

        assertThat(unwinder.unwind(target, others, take("plain")).complete()).isFalse();
    }

    /**
     * Its function calls its argument.
     *
     * @param room how much it has on the stack below its return address, with a zero where one of 40 bytes returns to
     */
    private static Path library(final Path directory, final String name, final String buildId, final int room)
            throws Exception {
        return CProgram.compile(
                directory,
                name,
                """
                __asm__(".text; .globl through; .type through, @function; through: .cfi_startproc;"
                        "sub $ROOM, %rsp; .cfi_adjust_cfa_offset ROOM; movq $0, 40(%rsp); call *%rdi;"
                        "add $ROOM, %rsp; .cfi_adjust_cfa_offset -ROOM; ret; .cfi_endproc; .size through, . - through");
                """.replace("ROOM", Integer.toString(room)),
                "-shared",
                "-fPIC",
                "-Wl,--build-id=" + buildId);
    }

    @Test
    void theDeathOfTheHelperCostsExactnessOnceAndNothingElse() throws Exception {
        assertThat(frames("plain").complete()).isTrue();
        ProcessHandle.of(unwinder.helperPid()).orElseThrow().destroyForcibly();

        assertThat(check("plain", "middle")).isInstanceOf(Quiescence.Held.class);
        assertThat(frames("plain").complete()).isTrue();
    }

    @Test
    void whatTheHelperHasNoRoomForIsLeftOutAndEndsNoHelper() throws Exception {
        // The program's table, but not its library's.
        try (Unwinder small = new Unwinder(64 << 10)) {
            final Frames partly = small.unwind(target, MappedImage.of(target), take("plain"));
            final long helper = small.helperPid();
            assertThat(partly.complete()).isFalse();
            assertThat(new QuiescenceCheck(small, target)
                            .check(take("plain"), List.of(Objects.requireNonNull(functions.get("middle")))))
                    .isInstanceOf(Quiescence.Held.class);
            assertThat(small.helperPid()).isEqualTo(helper);
        }
    }

    @Test
    void theHelperHasRoomForTheTablesOfProgramsThatItHasNoRoomFor() throws Exception {
        try (Unwinder small = new Unwinder(1 << 20)) {
            assertThat(MappedImage.of(target))
                    .anyMatch(image -> image.end() - image.first().start() > 1 << 20);
            final Frames frames = small.unwind(target, MappedImage.of(target), take("plain"));
            assertThat(frames.complete()).as(frames.reason()).isTrue();
        }
    }

    @Test
    void theHelperHasNoPrivileges() throws Exception {
        assertThat(unwinder.start()).isTrue();
        final Path tasks = Path.of("/proc", Long.toString(unwinder.helperPid()), "task");
        final List<String> statuses = new ArrayList<>();
        try (var entries = Files.list(tasks)) {
            for (final Path task : entries.toList()) {
                statuses.add(Files.readString(task.resolve("status")));
            }
        }

        assertThat(statuses)
                .isNotEmpty()
                .allMatch(status -> status.contains("\nCapEff:\t0000000000000000\nCapBnd:")
                        && status.contains("\nCapPrm:\t0000000000000000\n")
                        && status.contains("\nUid:" + ("\t" + Sandbox.NOBODY_ELSE).repeat(4) + "\n")
                        && status.contains("\nGid:" + ("\t" + Sandbox.NOBODY_ELSE).repeat(4) + "\n")
                        && status.contains("\nGroups:\t \n"))
                .as("it is not who else is nobody")
                .noneMatch(status -> status.contains("\t65534\t"))
                .as("the thread that parses can not gain privileges either")
                .anyMatch(status -> status.contains("\nNoNewPrivs:\t1\n"));
    }

    private Quiescence check(final String thread, final String... names) throws Exception {
        return check(take(thread), names);
    }

    private Quiescence check(final Snapshot taken, final String... names) throws IOException {
        return check(target, taken, names);
    }

    private Quiescence check(final TargetProcess process, final Snapshot taken, final String... names)
            throws IOException {
        return new QuiescenceCheck(unwinder, process)
                .check(
                        taken,
                        Arrays.stream(names)
                                .map(name -> Objects.requireNonNull(functions.get(name)))
                                .toList());
    }

    private Frames frames(final String thread) throws Exception {
        return unwinder.unwind(target, MappedImage.of(target), take(thread));
    }

    /** The process whose first thread this is. */
    private TargetProcess child(final String thread) throws IOException {
        return TargetProcess.find(TargetProcess.PROC, Objects.requireNonNull(threads.get(thread)))
                .orElseThrow();
    }

    private Snapshot take(final String thread) throws Exception {
        return take(target, thread);
    }

    private Snapshot take(final TargetProcess process, final String thread) throws Exception {
        final int tid = Objects.requireNonNull(threads.get(thread));
        final String[] lines = CProgram.output(snapshot, Long.toString(process.pid()), Integer.toString(tid))
                .split("\n", -1);
        final List<Long> words = Arrays.stream(lines[0].split(" ", -1))
                .map(word -> Long.parseUnsignedLong(word, 16))
                .toList();
        return new Snapshot(
                tid,
                0,
                0,
                new Registers(words.subList(0, 17), words.get(17)),
                HexFormat.of().parseHex(lines[1]),
                words.get(18));
    }

    private String function(final long address) {
        return functions.entrySet().stream()
                .filter(entry -> entry.getValue().contains(address))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("");
    }

    private static String source(final String name) throws IOException {
        try (var in = Objects.requireNonNull(QuiescenceCheckTest.class.getResourceAsStream(name))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.CProgram;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Symbols of real processes are what their own dynamic loader says. */
final class DynamicSymbolsTest {
    /** Begins by telling what symbols are for it; the rest it does before. */
    private static final String HOST = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        EXTRA
        int main(int count, char **arguments)
        {
            char byte;
            void *first = NULL, *second = NULL;
            (void)first, (void)second;
            BODY
            for (int i = 1; i < count; i++)
                printf("%s %lx\\n", arguments[i], (long)dlsym(RTLD_DEFAULT, arguments[i]));
            printf("ready\\n");
            fflush(stdout);
            return read(0, &byte, 1) < 0;
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    private Path directory;

    private final List<Process> started = new ArrayList<>();
    private final Map<String, Long> told = new HashMap<>();

    @AfterEach
    void end() throws Exception {
        for (final Process process : started) {
            process.destroyForcibly().waitFor();
        }
    }

    private TargetProcess start(final Path program, final Map<String, String> environment, final String... symbols)
            throws Exception {
        final List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(symbols));
        final ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        final Process running = builder.start();
        started.add(running);
        for (String line = running.inputReader().readLine();
                !"ready".equals(line);
                line = running.inputReader().readLine()) {
            final String[] words = Objects.requireNonNull(line).split(" ", -1);
            told.put(words[0], Long.parseLong(words[1], 16));
        }
        return TargetProcess.find(TargetProcess.PROC, running.pid()).orElseThrow();
    }

    private long told(final String symbol) {
        return Objects.requireNonNull(told.get(symbol));
    }

    private Path library(final String name, final String source, final String... options) throws Exception {
        final List<String> all =
                new ArrayList<>(List.of("-shared", "-fPIC", "-Wl,-soname," + name, "-Wl,--no-as-needed"));
        all.addAll(List.of(options));
        return CProgram.compile(directory, name, source, all.toArray(String[]::new));
    }

    private Path host(final String extra, final String body, final Path... libraries) throws Exception {
        final List<String> options = new ArrayList<>(List.of("-Wl,--no-as-needed", "-Wl,-rpath," + directory));
        Arrays.stream(libraries).map(Path::toString).forEach(options::add);
        return CProgram.compile(
                directory, "host", HOST.replace("EXTRA", extra).replace("BODY", body), options.toArray(String[]::new));
    }

    private static MappedImage image(final List<MappedImage> images, final String name) {
        return images.stream()
                .filter(image -> image.first().name().endsWith("/" + name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void ofSeveralLibrariesTheFirstInTheLoadersOrderCounts() throws Exception {
        final Path one = library("libone.so", "int common(void) { return 1; }");
        final Path two = library("libtwo.so", "int common(void) { return 2; }");
        final Path preloaded = library("libpre.so", "int early(void) { return 1; }");
        final Path late = library("liblate.so", "int early(void) { return 2; }");
        final TargetProcess process =
                start(host("", "", one, two, late), Map.of("LD_PRELOAD", preloaded.toString()), "common", "early");

        final List<MappedImage> images = MappedImage.of(process);
        assertThat(images.indexOf(image(images, "libtwo.so")))
                .as("the order of addresses is another")
                .isLessThan(images.indexOf(image(images, "libone.so")));
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        for (final String from : List.of("host", "libtwo.so", "liblate.so")) {
            assertThat(symbols.resolve(image(images, from), "common")).hasValue(told("common"));
            assertThat(symbols.resolve(image(images, from), "early")).hasValue(told("early"));
        }
        assertThat(image(images, "libone.so").contains(told("common"))).isTrue();
        assertThat(image(images, "libpre.so").contains(told("early"))).isTrue();
    }

    @Test
    void aVersionIsTakenByWhoAsksForItAndElseTheDefault() throws Exception {
        final Path script = Files.writeString(directory.resolve("versions"), "OLD { global: work; }; NEW { } OLD;\n");
        final String old = "int work(void) { return 1; }";
        final Path libold = library("libwork.so", old, "-Wl,--version-script=" + script);
        final Path user = library(
                "libuser.so",
                "int work(void); int (*const user)(void) = work; int use(void) { return work(); }",
                libold.toString());
        // The old version's symbol comes first, as in a C library.
        final Path both = library("libwork.so", """
            int older(void) { return 1; }
            int newer(void) { return 2; }
            __asm__(".symver older,work@OLD");
            __asm__(".symver newer,work@@NEW");
            """, "-Wl,--version-script=" + script);
        final TargetProcess process = start(
                host(
                        "int use(void);",
                        "printf(\"old %lx\\n\", (long)dlvsym(RTLD_DEFAULT, \"work\", \"OLD\")); if (count > 5) use();",
                        both,
                        user),
                Map.of(),
                "work");

        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        assertThat(told("old")).isNotEqualTo(told("work"));
        assertThat(symbols.resolve(image(images, "host"), "work")).hasValue(told("work"));
        assertThat(symbols.resolve(image(images, "libuser.so"), "work")).hasValue(told("old"));
        assertThat(ImageSymbols.read(process, image(images, "libwork.so")).definition("work"))
                .hasValue(told("work"));
    }

    @Test
    void aLibraryThatWasLoadedLaterFindsItsOwnLibrariesAfterThoseOfTheProgram() throws Exception {
        final Path own = library("libown.so", "int helper(void) { return 1; }\nint shared(void) { return 1; }");
        library("libplugin.so", "int plugin(void) { return 3; }", "-Wl,-rpath," + directory, own.toString());
        final Path global = library("libglobal.so", "int shared(void) { return 2; }");
        final TargetProcess process =
                start(host("", """
                    first = dlopen("%s", RTLD_NOW | RTLD_LOCAL);
                    if (!first) { puts(dlerror()); return 1; }
                    printf("helper %%lx\\n", (long)dlsym(first, "helper"));
                    """.formatted(directory.resolve("libplugin.so")), global), Map.of(), "shared");

        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        final MappedImage plugin = image(images, "libplugin.so");
        assertThat(symbols.resolve(plugin, "helper")).hasValue(told("helper"));
        assertThat(symbols.resolve(plugin, "shared")).hasValue(told("shared"));
        assertThat(symbols.resolve(plugin, "no_such_symbol")).isEmpty();
    }

    @Test
    void whatOnlyTheLoaderKnowsIsNotGuessed() throws Exception {
        final Path one = library("libone.so", "int helper(void) { return 1; }");
        final Path two = library("libtwo.so", "int helper(void) { return 2; }");
        final TargetProcess process = start(host("", """
            first = dlopen("%s", RTLD_NOW | RTLD_LOCAL);
            second = dlopen("%s", RTLD_NOW | RTLD_LOCAL);
            if (!first || !second) { puts(dlerror()); return 1; }
            """.formatted(one, two)), Map.of());

        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        assertThatThrownBy(() -> symbols.resolve(image(images, "host"), "helper"))
                .isInstanceOf(AmbiguousSymbolException.class)
                .hasMessageContaining("helper")
                .hasMessageContaining("libone.so")
                .hasMessageContaining("libtwo.so");
    }

    @Test
    void whatIsChosenAtRunTimeIsKnownOnceTheLoaderHasChosenForAnyLibrary() throws Exception {
        final Path chosen = library("libchosen.so", """
            static int one(void) { return 1; }
            static void *choose(void) { return one; }
            int work(void) __attribute__((ifunc("choose")));
            int rest(void) __attribute__((ifunc("choose")));
            """);
        final Path user = library(
                "libuser.so", "int work(void); int use(void) { return work(); }", "-Wl,-z,now", chosen.toString());
        final TargetProcess process = start(host("", "", chosen, user), Map.of(), "work");

        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        assertThat(symbols.resolve(image(images, "host"), "work")).hasValue(told("work"));
        assertThatThrownBy(() -> symbols.resolve(image(images, "host"), "rest"))
                .isInstanceOf(AmbiguousSymbolException.class)
                .hasMessageStartingWith("rest of ")
                .hasMessageEndingWith(
                        "libchosen.so is chosen at run time (IFUNC), and nothing in the process has bound it yet");
    }

    @Test
    void aListThatLeadsInACircleIsNone() throws Exception {
        final Path one = library("libone.so", "int common(void) { return 1; }");
        final Path two = library("libtwo.so", "int common(void) { return 2; }\nint single(void) { return 2; }");
        final TargetProcess process = start(host("#include <link.h>", """
            for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
                if (entry->d_tag == DT_DEBUG)
                    printf("list %lx\\n", (long)((struct r_debug *)entry->d_un.d_ptr)->r_map);
            """, one, two), Map.of(), "single");
        try (RandomAccessFile memory = new RandomAccessFile("/proc/" + process.pid() + "/mem", "rw")) {
            memory.seek(told("list") + 24);
            final byte[] next = ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(told("list"))
                    .array();
            memory.write(next);
        }

        final List<MappedImage> images = MappedImage.of(process);
        final DynamicSymbols symbols = new DynamicSymbols(process, images);
        final MappedImage host = image(images, "host");
        assertThat(symbols.resolve(host, "single")).hasValue(told("single"));
        assertThatThrownBy(() -> symbols.resolve(host, "common")).isInstanceOf(AmbiguousSymbolException.class);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.cli.Atlas;
import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.build.BuildOptions;
import dev.atlasviews.agent.patch.build.ObjectPair;
import dev.atlasviews.agent.patch.build.PatchBuilder;
import dev.atlasviews.agent.patch.build.PatchedProgram;
import dev.atlasviews.agent.patch.build.TargetProgram;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/**
 * A project with programs, a shared library and a static one that is linked into the programs, built as its users build
 * it, without thought of patches; then patches for what runs.
 */
class BuildSystemsTest {
    private static final Map<String, String> SOURCES =
            Map.of("lib/engine.h", """
                long engine(long x);
                long util(long x);
                long work(long x);
                """, "lib/engine.c", """
                #include "engine.h"
                #include <assert.h>
                static long calls;
                static __attribute__((noinline)) long inner(long x) { calls++; return x * SCALE; }
                long engine(long x)
                {
                	assert(x < 1000000);
                	if (x > 5)
                		return inner(x);
                	return calls;
                }
                """, "lib/util.c", """
                #include "engine.h"
                static __attribute__((noinline)) long helper(long x) { return x * 7 + (x >> 3); }
                long util(long x)
                {
                	if (x > 5)
                		return helper(x);
                	return x + 1;
                }
                """, "src/work.c", """
                #include "../lib/engine.h"
                static __attribute__((noinline)) long step(long x) { return x * SCALE; }
                __attribute__((noinline)) long work(long x)
                {
                	if (x > 5)
                		return step(x);
                	return util(x);
                }
                """, "src/main.c", """
                #include "../lib/engine.h"
                #include <stdio.h>
                #include <stdlib.h>
                int main(void)
                {
                	char line[64];
                	while (fgets(line, sizeof line, stdin)) {
                		long x = atol(line);
                		printf("%ld %ld %ld\\n", work(x), util(x), engine(x));
                		fflush(stdout);
                	}
                }
                """);

    private static final String CMAKE = """
        cmake_minimum_required(VERSION 3.16)
        project(example C)
        add_library(engine SHARED lib/engine.c)
        set_target_properties(engine PROPERTIES VERSION 1.2 SOVERSION 1)
        target_compile_definitions(engine PRIVATE SCALE=2)
        add_library(util STATIC lib/util.c)
        target_compile_options(util PRIVATE -O3)
        add_executable(server src/main.c src/work.c)
        target_compile_definitions(server PRIVATE SCALE=3)
        target_link_libraries(server PRIVATE util engine)
        add_executable(tool src/main.c src/work.c)
        target_compile_definitions(tool PRIVATE SCALE=4)
        target_link_libraries(tool PRIVATE util engine)
        """;

    private static final String AUTOCONF = """
        AC_INIT([example],[1.0])
        AC_CONFIG_AUX_DIR([build-aux])
        AM_INIT_AUTOMAKE([foreign subdir-objects])
        AC_PROG_CC
        AM_PROG_AR
        LT_INIT
        AC_CONFIG_FILES([Makefile])
        AC_OUTPUT
        """;

    private static final String AUTOMAKE = """
        lib_LTLIBRARIES = libengine.la
        libengine_la_SOURCES = lib/engine.c lib/engine.h
        libengine_la_CPPFLAGS = -DSCALE=2
        noinst_LTLIBRARIES = libutil.la
        libutil_la_SOURCES = lib/util.c
        bin_PROGRAMS = server
        server_SOURCES = src/main.c src/work.c
        server_CPPFLAGS = -DSCALE=3
        server_LDADD = libutil.la libengine.la
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private Path tree;
    private Path change;

    @BeforeEach
    void write() throws Exception {
        directory = directory.toRealPath();
        tree = directory.resolve("tree");
        change = directory.resolve("fix.patch");
        for (final Map.Entry<String, String> source : SOURCES.entrySet()) {
            final Path file = tree.resolve(source.getKey());
            Files.createDirectories(file.resolveSibling(""));
            Files.writeString(file, source.getValue());
        }
        // The same in each that has it: from 7 on instead of from 6 on.
        final StringBuilder diff = new StringBuilder();
        for (final Map.Entry<String, String> source : SOURCES.entrySet()) {
            final List<String> lines = source.getValue().lines().toList();
            final int at = lines.indexOf("\tif (x > 5)");
            if (at > 0) {
                diff.append("--- a/%1$s\n+++ b/%1$s\n@@ -%2$d,3 +%2$d,3 @@\n".formatted(source.getKey(), at))
                        .append(" " + lines.get(at - 1) + "\n-\tif (x > 5)\n+\tif (x > 6)\n")
                        .append(" " + lines.get(at + 1) + "\n");
            }
        }
        Files.writeString(change, diff);
    }

    private void shell(final String command) throws Exception {
        final Process process = new ProcessBuilder("sh", "-c", command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    private List<ObjectPair> pairs(final Optional<BuildRecipe> recipe) throws Exception {
        return SourceBuild.inCopy(tree, directory.resolve("work"), recipe.orElseThrow(), _ -> {})
                .changedBy(change, List.of())
                .pairs();
    }

    private static Patch patch(final List<ObjectPair> pairs, final Path target) throws Exception {
        final TargetProgram program =
                TargetProgram.of(String.valueOf(target.getFileName()), ElfFile.read(target), null);
        return PatchReader.read(PatchBuilder.build(pairs, program, BuildOptions.NONE));
    }

    private static List<String> functions(final Patch patch) {
        return patch.targets().getFirst().functions().stream()
                .map(PatchFunction::name)
                .toList();
    }

    /** Runs the program, gives it the patch of the program and then that of the library, and asks it each time. */
    private void assertThatItIsPatched(
            final Path server, final Patch ofServer, final Path library, final Patch ofLibrary) throws Exception {
        assertThat(functions(ofServer)).containsExactlyInAnyOrder("work", "util");
        assertThat(functions(ofLibrary)).containsExactly("engine");
        try (PatchedProgram running = new PatchedProgram(directory, server)) {
            assertThat(running.ask("6")).isEqualTo("18 42 12");
            running.install(ofServer);
            assertThat(running.ask("6")).isEqualTo("7 7 12");
        }
        try (PatchedProgram running = PatchedProgram.withLibrary(directory, server, library)) {
            assertThat(running.ask("6")).isEqualTo("18 42 12");
            running.installInLibrary(ofLibrary, library);
            assertThat(running.ask("6")).isEqualTo("18 42 1");
        }
    }

    @ParameterizedTest
    @CsvSource({"Unix Makefiles, Release", "Ninja, RelWithDebInfo"})
    void eachTargetOfCMakeHasItsPatch(final String generator, final String type) throws Exception {
        Files.writeString(tree.resolve("CMakeLists.txt"), CMAKE);
        final String options = "-G '%s' -DCMAKE_BUILD_TYPE=%s".formatted(generator, type);
        shell("cmake -S tree -B out " + options + " && cmake --build out");
        final List<ObjectPair> pairs = pairs(Optional.of(
                new BuildRecipe("cmake -S . -B atlas-build " + options + " && cmake --build atlas-build", true)));
        final Path library = directory.resolve("out/libengine.so.1.2");
        assertThatItIsPatched(
                directory.resolve("out/server"),
                patch(pairs, directory.resolve("out/server")),
                library,
                patch(pairs, library));
        // The same sources with other flags.
        assertThat(functions(patch(pairs, directory.resolve("out/tool")))).containsExactlyInAnyOrder("work", "util");
    }

    /** A checkout without {@code configure}, as its recipe builds it; what runs was built elsewhere than its sources. */
    @Test
    void aConfiguredTreeWithLibtoolHasItsPatches() throws Exception {
        Files.writeString(tree.resolve("configure.ac"), AUTOCONF);
        Files.writeString(tree.resolve("Makefile.am"), AUTOMAKE);
        shell("cp -a tree checkout && cd checkout && autoreconf -fi && mkdir ../out && cd ../out"
                + " && ../checkout/configure --prefix=\"$(realpath ..)/installed\" && make install");
        final List<ObjectPair> pairs = pairs(BuildRecipe.of(tree));
        final Path library = directory.resolve("installed/lib/libengine.so.0.0.0");
        assertThatItIsPatched(
                directory.resolve("installed/bin/server"),
                patch(pairs, directory.resolve("installed/bin/server")),
                library,
                patch(pairs, library));
    }

    private String atlas(final int status, final String... arguments) {
        final List<String> words = new ArrayList<>(
                List.of("build", "--source", tree.toString(), "--patch", change.toString(), "-o", "/dev/null"));
        words.addAll(List.of("--work", directory.resolve("work").toString()));
        words.addAll(List.of(arguments));
        final StringWriter errors = new StringWriter();
        final CommandLine line = Atlas.commandLine();
        line.setErr(new PrintWriter(errors, true)).setOut(new PrintWriter(new StringWriter(), true));
        assertThat(line.execute(words.toArray(String[]::new)))
                .as(errors.toString())
                .isEqualTo(status);
        return errors.toString();
    }

    /** Out of tree, by a compiler of a certain version; the program is stripped, with a debug file beside it. */
    @Test
    void aStrippedProgramIsPatchedByItsDebugFile() throws Exception {
        final String build = "mkdir -p out && cd out && for file in src/main src/work lib/util lib/engine; do"
                + " gcc-$(gcc -dumpversion) -O2 -DSCALE=3 -c ../$file.c || exit; done"
                + " && gcc -Wl,--build-id -o server *.o";
        shell("cp -a tree checkout && cd checkout && " + build
                + " && mv server ../.. && cd ../.. && mkdir .debug"
                + " && objcopy --only-keep-debug server .debug/server.debug"
                + " && strip server && objcopy --add-gnu-debuglink=.debug/server.debug server");
        atlas(0, "--build", build, "--target", directory.resolve("server").toString());
        // Without it nothing is built, as it would be in vain.
        Files.delete(directory.resolve(".debug/server.debug"));
        assertThat(atlas(
                        Atlas.REFUSED,
                        "--build",
                        "exit 1",
                        "--target",
                        directory.resolve("server").toString()))
                .contains("NO_SYMBOLS", "--debug");
    }

    @Test
    void aBuildThatCompilesNothingSaysSo() {
        assertThat(atlas(Atlas.FAILED, "--build", "true", "--built-target", "server"))
                .contains("make -B", "absolute path");
    }

    @Test
    void aScriptOfLibtoolIsNoProgram() {
        final String build = "cc -c -DSCALE=1 src/work.c && mkdir -p .libs && touch server .libs/server";
        assertThat(atlas(Atlas.FAILED, "--build", build, "--built-target", "server"))
                .contains("the program is .libs/server");
    }
}

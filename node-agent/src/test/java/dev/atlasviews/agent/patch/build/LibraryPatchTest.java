// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.Patch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A shared library is patched inside a program that runs. */
class LibraryPatchTest {
    private static final String LIBRARY = """
        #include <stdio.h>
        #include <string.h>
        #define NOINLINE __attribute__((noinline))
        long shared = 1000;
        long calls;
        __thread long seen = 7;
        static __thread long own = 1;
        NOINLINE long hook(long x) { return x; }
        NOINLINE static long inner(long x) { return x + shared; }
        NOINLINE long answer(long x, char *text) {
            calls++;
            seen += x;
            own *= 2;
            snprintf(text, 200, "TEXT %ld %ld %ld", calls, seen, own);
            return hook(inner(x)) CHANGE;
        }
        """;

    /** The program has a hook of its own, and a copy of the library's variable: the loader prefers both. */
    private static final String PROGRAM = """
        #include <stdio.h>
        #include <stdlib.h>
        long answer(long x, char *text);
        extern long shared;
        long hook(long x) { return x * 2; }
        int main(void) {
            char line[256], text[256];
            shared += 5;
            while (fgets(line, sizeof line, stdin)) {
                long value = answer(atol(line), text);
                printf("%ld %s\\n", value, text);
                fflush(stdout);
            }
            return 0;
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void bindingsAndThreadLocalsOfTheLibraryAreKept(final String compiler) throws Exception {
        final Path folder = directory.resolve(compiler);
        final CSources sources =
                CSources.library(folder, "-fsemantic-interposition").with(compiler);
        sources.compile(
                        sources.before(),
                        Map.of("code", LIBRARY.replace("TEXT", "old").replace("CHANGE", "")))
                .compile(
                        sources.after(),
                        Map.of("code", LIBRARY.replace("TEXT", "new").replace("CHANGE", "+ 1 + own")))
                .link();
        final Path library = folder.resolve("libcode.so");
        Files.copy(sources.program(), library);
        final Patch patch = sources.build();
        final Path program = CProgram.compile(
                folder,
                "host",
                PROGRAM,
                "-fPIE",
                "-pie",
                "-Wl,--no-as-needed",
                library.toString(),
                "-Wl,-rpath," + folder);
        try (PatchedProgram running = PatchedProgram.withLibrary(folder, program, library)) {
            assertThat(running.ask("3")).isEqualTo("2016 old 1 10 2");
            running.installInLibrary(patch, library);
            assertThat(running.ask("3")).isEqualTo("2021 new 2 13 4");
            assertThat(running.isAlive()).isTrue();
        }
    }

    /** The order in which the linker has them depends on the objects'. */
    @ParameterizedTest
    @ValueSource(strings = {"old, new", "new, old"})
    void ofSeveralVersionsOfANameTheDefaultOneIsMeant(final String order) throws Exception {
        final String old = "asm(\".symver was, total@V1\"); long __attribute__((noipa)) was(long x) { return x; }\n";
        final String now = "asm(\".symver is, total@@V2\"); long __attribute__((noipa)) is(long x) { return x * 2; }\n";
        final Path script = directory.resolve("versions");
        Files.writeString(script, "V1 { global: total; work; local: *; };\nV2 { global: total; } V1;\n");
        final CSources sources = new CSources(
                directory.resolve("versions-of"),
                List.of("-fPIC"),
                List.of("-shared", "-Wl,--build-id=sha1", "-Wl,--version-script=" + script));
        final boolean isOldFirst = order.startsWith("old");
        sources.compile(
                        sources.before(),
                        Map.of("a", isOldFirst ? old : now, "b", isOldFirst ? now : old, "work", "long work;"))
                .link();
        final ElfSymbol meant = sources.target().global("total").orElseThrow();
        assertThat(meant.name()).isEqualTo("total@@V2");
    }
}

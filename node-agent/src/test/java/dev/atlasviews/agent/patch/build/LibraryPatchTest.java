// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.elf.ElfSymbol;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

    /** What the library defines for others, with no slot for any of it before the change. */
    private static final String UNBOUND = """
        #include <stdio.h>
        #define NOINLINE __attribute__((noinline))
        long level = 1000;
        VISIBILITY long other = 50;
        VISIBILITY NOINLINE long hook(long x) { asm volatile(""); return x; }
        NOINLINE long twice(long x) { asm volatile(""); return x * FACTOR; }
        typedef long function(long);
        NOINLINE long answer(long x, char *text) {
            BEFORE
            snprintf(text, 200, "TEXT");
            return x CHANGE;
        }
        """;

    private static final String UNBOUND_AFTER = """
        static function *const hooks[] = { hook, twice };
        function *const volatile *const all = hooks;
        """;

    private static CSources unbound(final CSources sources, final String visibility, final String before)
            throws Exception {
        final String code = UNBOUND.replace("VISIBILITY", visibility);
        return sources.compile(
                        sources.before(),
                        Map.of(
                                "code",
                                code.replace("TEXT", "old")
                                        .replace("CHANGE", "")
                                        .replace("FACTOR", "2")
                                        .replace("BEFORE", before)))
                .compile(
                        sources.after(),
                        Map.of(
                                "code",
                                code.replace("TEXT", "new")
                                        .replace("CHANGE", "+ hook(x) + twice(x) + all[0](x) + level + other")
                                        .replace("FACTOR", "3")
                                        .replace("BEFORE", before + UNBOUND_AFTER)))
                .link();
    }

    @ParameterizedTest
    @CsvSource({"gcc, -fPIE, -pie", "gcc, -fno-pie, -no-pie", "clang, -fPIE, -pie"})
    void whatNewCodeRefersToIsWhatTheLoaderWouldTake(final String compiler, final String compiled, final String linked)
            throws Exception {
        final Path folder = directory.resolve(compiler);
        final CSources sources =
                unbound(CSources.library(folder, "-fsemantic-interposition").with(compiler), "", "");
        final Path library = folder.resolve("libcode.so");
        Files.copy(sources.program(), library);
        final Path program = CProgram.compile(
                folder,
                "host",
                PROGRAM.replace("shared", "level"),
                compiled,
                linked,
                "-Wl,--no-as-needed",
                library.toString(),
                "-Wl,-rpath," + folder);
        try (PatchedProgram running = PatchedProgram.withLibrary(folder, program, library)) {
            assertThat(running.ask("1")).isEqualTo("1 old");
            running.installInLibrary(sources.build(), library);
            assertThat(running.ask("1"))
                    .as("1, twice the program's hook, the new body of what is replaced, the program's copy, the"
                            + " library's own")
                    .isEqualTo((1 + 2 + 3 + 2 + 1005 + 50) + " new");
        }
    }

    /** The symbols that a patch leaves to the loader. */
    private static Set<String> dynamic(final Patch patch) {
        final PatchTarget target = patch.targets().getFirst();
        return Stream.of(target.text(), target.constants())
                .flatMap(area -> area.relocations().stream())
                .map(PatchRelocation::target)
                .filter(RelocationTarget.Dynamic.class::isInstance)
                .map(to -> ((RelocationTarget.Dynamic) to).symbol())
                .filter(List.of("hook", "twice", "level", "other")::contains)
                .collect(Collectors.toSet());
    }

    /** What the library's linker was told to bind, it has bound. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "-                      | -                                      | -               | hook twice level"
                        + " other",
                "-Wl,-Bsymbolic         | -                                      | -               | ''",
                "-Wl,-Bsymbolic-functions | -                                    | x = twice(x);   | level other",
                "-                      | __attribute__((visibility(\"hidden\")))    | -          | twice level",
                "-                      | __attribute__((visibility(\"protected\"))) | -          | twice level",
                "-Wl,--dynamic-list=LIST | -                                     | x += twice(level); | other"
            })
    void whatTheLinkerHasBoundIsNotTheLoadersToBind(
            final @Nullable String option,
            final @Nullable String visibility,
            final @Nullable String before,
            final String meant)
            throws Exception {
        final Path list = Files.writeString(directory.resolve("list"), "{ other; };\n");
        final List<String> options = new ArrayList<>(List.of("-shared", "-Wl,--build-id=sha1"));
        if (option != null) {
            options.add(option.replace("LIST", list.toString()));
        }
        final CSources sources = unbound(
                new CSources(directory.resolve("bound"), List.of("-fPIC"), options),
                Objects.requireNonNullElse(visibility, ""),
                Objects.requireNonNullElse(before, ""));
        assertThat(dynamic(sources.build())).isEqualTo(meant.isEmpty() ? Set.of() : Set.of(meant.split(" ", -1)));
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

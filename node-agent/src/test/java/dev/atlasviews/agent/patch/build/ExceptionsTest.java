// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rule 8: exceptions that are thrown in new code, pass through it and are caught in it, in real processes. */
final class ExceptionsTest {
    private static final String LOOP = """
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #define NOINLINE __attribute__((noinline))
        extern "C" long answer(long x);
        int main(void) {
            char line[256];
            while (fgets(line, sizeof line, stdin)) { printf("%ld\\n", answer(atol(line))); fflush(stdout); }
            return 0;
        }
        """;
    private static final String CPLUSPLUS = """
        #include <stdexcept>
        #include <string>
        static long destroyed;
        struct guard { ~guard() { destroyed++; } };
        struct own : std::runtime_error { long v; own(long x) : std::runtime_error("own"), v(x) {} };
        NOINLINE static long old_thrower(long x) {
            if (x > 1000) throw x;
            if (x > 100) throw own(x);
            if (x > 10) throw std::out_of_range(std::to_string(x));
            return x;
        }
        NOINLINE static long outer(long x);
        extern "C" long answer(long x) {
            try { return outer(x) + destroyed * 100000; }
            catch (const own &e) { return e.v * 2 + destroyed * 100000; }
            catch (const std::exception &e) { return -atol(e.what()) + destroyed * 100000; }
            catch (...) { return -1 + destroyed * 100000; }
        }
        """;

    /** Through guards, in old code and in new. */
    private static final String THROUGH = """
        NOINLINE static long outer(long x) { guard g; return old_thrower(x) CHANGE; }
        """;
    /** Thrown by new code alone. */
    private static final String THROWING = """
        NOINLINE static long outer(long x) {
            guard g;
            if (x > 8) return old_thrower(x);
            if (x == 5) return 50 CHANGE;
            #ifdef AFTER
            if (x == 6) throw own(66);
            if (x == 7) throw std::out_of_range(std::to_string(x * 11));
            #endif
            return x;
        }
        """;
    /** Caught, and thrown on, by new code; what is rarely done lies in a cold part. */
    private static final String CATCHING = """
        __attribute__((cold, noinline)) static void note(void) { fprintf(stderr, "%s", ""); }
        NOINLINE static long outer(long x) {
            guard g;
            try { return old_thrower(x) CHANGE; }
            catch (const std::out_of_range &e) { note(); return atol(e.what()) * 3 CHANGE; }
            catch (const own &e) { note(); if (e.v == 200) throw; return e.v CHANGE; }
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private static String before(final String code) {
        return LOOP + CPLUSPLUS + code.replace("CHANGE", "");
    }

    private static String after(final String code) {
        return "#define AFTER 1\n" + LOOP + CPLUSPLUS + code.replace("CHANGE", "+ 7");
    }

    private CSources sources(final String compiler, final String kind) {
        final Path place = directory.resolve(kind + compiler);
        return (kind.equals("pie") ? CSources.pie(place) : CSources.fixed(place)).with(compiler);
    }

    private void answers(final CSources sources, final String... questionsAndAnswers) throws Exception {
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            program.install(build(sources));
            for (int i = 0; i < questionsAndAnswers.length; i += 2) {
                assertThat(program.ask(questionsAndAnswers[i]))
                        .as(questionsAndAnswers[i])
                        .isEqualTo(questionsAndAnswers[i + 1]);
            }
        }
    }

    private static Patch build(final CSources sources) throws Exception {
        return PatchReader.read(sources.buildFile(
                new BuildOptions(List.of(), NeededLibraries.of(ElfFile.read(sources.program())), false, Set.of())));
    }

    private static PatchRefusedException refusal(final CSources sources) {
        return Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
    }

    @ParameterizedTest
    @CsvSource({"g++,pie", "g++,fixed", "clang++,pie", "clang++,fixed"})
    void thrownByOldCodeThroughNewCodeWhichIsCleanedUp(final String compiler, final String kind) throws Exception {
        answers(
                sources(compiler, kind).change(before(THROUGH), after(THROUGH)),
                "1",
                "100008",
                "20",
                "199980",
                "200",
                "300400",
                "2000",
                "399999");
    }

    @ParameterizedTest
    @CsvSource({"g++,pie", "g++,fixed", "clang++,pie", "clang++,fixed"})
    void thrownByNewCodeAndCaughtByOld(final String compiler, final String kind) throws Exception {
        answers(
                sources(compiler, kind).change(before(THROWING), after(THROWING)),
                "5",
                "100057",
                "6",
                "200132",
                "7",
                "299923");
    }

    @ParameterizedTest
    @CsvSource({"g++,pie", "g++,fixed", "clang++,pie", "clang++,fixed"})
    void caughtAndThrownOnByNewCode(final String compiler, final String kind) throws Exception {
        answers(
                sources(compiler, kind).change(before(CATCHING), after(CATCHING)),
                "1",
                "100008",
                "20",
                "200067",
                "150",
                "300157",
                "200",
                "400400",
                "2000",
                "499999");
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void anotherTypeThatIsCaughtIsAChange(final String compiler) throws Exception {
        final String code = before("""
            NOINLINE static long outer(long x) { try { return old_thrower(x); } catch (const TYPE &e) { return 9; } }
            """);
        final CSources sources =
                sources(compiler, "pie").change(code.replace("TYPE", "std::out_of_range"), code.replace("TYPE", "own"));
        answers(sources, "200", "9", "20", "-20");
    }

    @Test
    void aSharedLibraryOfAProgramWithExceptions() throws Exception {
        final String code = """
            #include <stdexcept>
            #include <string>
            long destroyed;
            struct guard { ~guard() { destroyed++; } };
            __attribute__((noinline)) long inner(long (*call)(long), long x) { guard g; return call(x) CHANGE; }
            long through(long (*call)(long), long x) {
                try { return inner(call, x); } catch (const std::out_of_range &e) { return -atol(e.what()); }
            }
            """;
        final CSources sources = CSources.library(directory.resolve("library")).with("g++");
        sources.compile(sources.before(), Map.of("code", code.replace("CHANGE", "")))
                .compile(sources.after(), Map.of("code", code.replace("CHANGE", "+ 7")))
                .link();
        final Path library = directory.resolve("libcode.so");
        Files.copy(sources.program(), library);
        final Path host = directory.resolve("host.cc");
        Files.writeString(host, LOOP + """
            #include <stdexcept>
            #include <string>
            long through(long (*call)(long), long x);
            extern long destroyed;
            static long thrower(long x) {
                if (x > 100) throw x;
                if (x > 10) throw std::out_of_range(std::to_string(x));
                return x;
            }
            long answer(long x) {
                try { return through(thrower, x) + destroyed * 100000; }
                catch (long y) { return y * 2 + destroyed * 100000; }
            }
            """);
        CSources.run(
                directory,
                List.of("g++", "-O1", "-o", "host", "host.cc", library.toString(), "-Wl,-rpath," + directory));
        try (PatchedProgram program = PatchedProgram.withLibrary(directory, directory.resolve("host"), library)) {
            assertThat(program.ask("1")).isEqualTo("100001");
            program.installInLibrary(build(sources), library);
            assertThat(program.ask("1")).isEqualTo("200008");
            assertThat(program.ask("20")).isEqualTo("299980");
            assertThat(program.ask("200")).isEqualTo("400400");
        }
    }

    @Test
    void aThreadThatEndsInNewCodeIsCleanedUp() throws Exception {
        final String code = LOOP + """
            static long cleaned;
            static void clean(long *x) { cleaned += *x CHANGE; }
            NOINLINE static void leave(long x) {
                long kept __attribute__((cleanup(clean))) = x CHANGE;
                if (x) pthread_exit(NULL);
            }
            static void *run(void *x) { leave((long) x); return NULL; }
            long answer(long x) {
                pthread_t thread;
                pthread_create(&thread, NULL, run, (void *) x);
                pthread_join(thread, NULL);
                return cleaned;
            }
            """;
        final String plain = code.replace("extern \"C\" ", "");
        final CSources sources = CSources.pie(directory.resolve("exit"), "-fexceptions")
                .change(plain.replace("CHANGE", ""), plain.replace("CHANGE", "+ 7"));
        answers(sources, "100", "114");
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void aThreadThatIsCancelledInNewCodeIsCleanedUp(final String compiler) throws Exception {
        final String code = LOOP + """
            #include <semaphore.h>
            #include <unistd.h>
            static sem_t inside;
            static long cleaned;
            struct mark { long value; ~mark() { cleaned += value; } };
            NOINLINE static void stay(long x) {
                mark kept{x CHANGE};
                sem_post(&inside);
                for (;;) pause();
            }
            static void *run(void *x) { stay((long) x); return NULL; }
            long answer(long x) {
                pthread_t thread;
                void *result;
                pthread_create(&thread, NULL, run, (void *) x);
                sem_wait(&inside);
                pthread_cancel(thread);
                pthread_join(thread, &result);
                return cleaned * 10 + (result == PTHREAD_CANCELED);
            }
            """;
        answers(
                sources(compiler, "pie").change(code.replace("CHANGE", ""), code.replace("CHANGE", "+ 7")),
                "100",
                "1071");
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void newCodeThatMustNotThrowEndsTheProcessAsOldCodeDoes(final String compiler) throws Exception {
        final String code = """
            #include <unistd.h>
            static void last_words(void) { puts("terminated"); fflush(stdout); _exit(3); }
            NOINLINE static long outer(long x) noexcept {
                std::set_terminate(last_words);
                guard g;
                return old_thrower(x) CHANGE;
            }
            """;
        final CSources sources =
                sources(compiler, "pie").change(declaredNoexcept(before(code)), declaredNoexcept(after(code)));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("20")).as("the old code").isEqualTo("terminated");
        }
        answers(sources, "1", "100008", "20", "terminated");
    }

    private static String declaredNoexcept(final String code) {
        return code.replace("long outer(long x);", "long outer(long x) noexcept;");
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void aBacktraceGoesThroughNewCode(final String compiler) throws Exception {
        final String code = """
            #include <execinfo.h>
            NOINLINE static long outer(long x) {
                void *frames[32];
                return old_thrower(x) * 100 + backtrace(frames, 32) CHANGE;
            }
            """;
        final CSources sources = sources(compiler, "pie").change(before(code), after(code));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            final long old = Long.parseLong(program.ask("1"));
            program.install(build(sources));
            assertThat(Long.parseLong(program.ask("1"))).as("as deep as before").isEqualTo(old + 7);
        }
    }

    @Test
    void aBacktraceEndsAtNewCodeThatCarriesNoTables() throws Exception {
        final String code = (LOOP + """
            #include <execinfo.h>
            NOINLINE static long outer(long x) {
                void *frames[32];
                int depth = backtrace(frames, 32);
                return x == 2 ? depth > 3 : x CHANGE;
            }
            long answer(long x) { return outer(x) + 1; }
            """).replace("extern \"C\" ", "");
        final CSources sources = CSources.pie(directory.resolve("backtrace"))
                .change(code.replace("CHANGE", ""), code.replace("CHANGE", "+ 7"));
        final Patch patch = build(sources);
        assertThat(patch.targets().getFirst().functions())
                .extracting(
                        function -> Objects.requireNonNull(function.newBody()).frame())
                .containsOnlyNulls();
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("2")).isEqualTo("2");
            program.install(patch);
            assertThat(program.ask("1")).isEqualTo("9");
            assertThat(program.ask("2")).isEqualTo("1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-static-libgcc", "-static"})
    void anUnwinderInsideTheProgramIsRefused(final String how) throws Exception {
        final CSources sources = new CSources(
                        directory, List.of("-fPIE"), List.of(how, "-static-libgcc", "-Wl,--build-id=sha1"))
                .with("g++")
                .change(before(THROUGH), after(THROUGH));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.EXCEPTIONS);
        assertThat(refusal).hasMessageContaining("_Unwind_Find_FDE");
    }

    @Test
    void aNewFunctionWhoseAddressIsKeptIsRefused() throws Exception {
        final String code = before("""
            static long (*kept)(long) = old_thrower;
            NEW
            NOINLINE static long outer(long x) { USE return kept(x); }
            """);
        final CSources sources = sources("g++", "pie")
                .change(
                        code.replace("NEW", "").replace("USE", ""),
                        code.replace("NEW", "NOINLINE static long fresh(long x) { return old_thrower(x) + 1; }")
                                .replace("USE", "if (x == 3) kept = fresh;"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.EXCEPTIONS);
        assertThat(refusal).hasMessageContaining("fresh");
    }
}

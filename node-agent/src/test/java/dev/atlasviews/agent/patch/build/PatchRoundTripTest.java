// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Patches are built of real object files and change what a real, running process does. */
class PatchRoundTripTest {
    /** Reads lines with a number and answers each with a line. */
    private static final String MAIN = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #define NOINLINE __attribute__((noinline))
        NOINLINE long answer(long x, char *text);
        int main(void) {
            char line[256], text[256];
            while (fgets(line, sizeof line, stdin)) {
                text[0] = 0;
                long value = answer(atol(line), text);
                printf("%ld %s\\n", value, text);
                fflush(stdout);
            }
            return 0;
        }
        """;

    private static final String INCLUDES = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <errno.h>
        #define NOINLINE __attribute__((noinline))
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private CSources changed(final CSources sources, final String before, final String after) throws Exception {
        return sources.compile(sources.before(), Map.of("main", MAIN, "code", INCLUDES + before))
                .compile(sources.after(), Map.of("main", MAIN, "code", INCLUDES + after))
                .link();
    }

    /** Code before and after, and what three questions are answered before and after. */
    static Stream<Arguments> changes() {
        final String statics = """
            static int calls;
            static long table[4] = {10, 20, 30, 40};
            static const long fixed[4] = {1, 2, 3, 4};
            __thread long seen = 7;
            NOINLINE static long helper(long x) { calls++; return x + table[x & 3] + fixed[x & 3]; }
            NOINLINE long answer(long x, char *text) {
                sprintf(text, "FORMAT", calls, seen);
                seen += x;
                return helper(x) EXTRA;
            }
            """;
        final String tables = """
            NOINLINE long answer(long x, char *text) {
                switch (x) {
                case 0: return strtol("11", NULL, 10) + (long)strlen(text);
                case 1: strcpy(text, "one"); return 21;
                case 2: strcpy(text, "two"); return 31;
                case 3: strcpy(text, "three"); return LAST;
                case 4: sprintf(text, "%ld", x); return 51;
                case 5: strcat(text, "five"); return 61;
                default: return -1;
                }
            }
            """;
        final String cold = """
            extern void exit(int);
            __attribute__((cold, noinline)) static void complain(char *text, long x) { sprintf(text, "bad %ld", x); }
            NOINLINE long answer(long x, char *text) {
                if (__builtin_expect(x > LIMIT, 0)) { complain(text, x); errno = 5; return -x; }
                return x * 2;
            }
            """;
        final String locals = """
            NOINLINE static long first(void) { static long count = 100; return ++count; }
            NOINLINE static long second(void) { static long count = 200; return ++count; }
            NOINLINE long answer(long x, char *text) { strcpy(text, __func__); return first() + second() ADD; }
            """;
        final String pointers = """
            NOINLINE static long twice(long x) { return 2 * x SHIFT; }
            NOINLINE static long thrice(long x) { return 3 * x; }
            static long (*const functions[])(long) = {twice, thrice};
            NOINLINE long answer(long x, char *text) {
                static const char *const names[] = {"twice", "thrice"};
                strcpy(text, names[x & 1]);
                return functions[x & 1](x);
            }
            """;
        // Of these loops the compiler makes some that count from before the string's start.
        final String before = """
            struct text { const char *start; long length; };
            static inline int equal(struct text l, struct text r) {
                if (l.length != r.length) return 0;
                while (l.length--) { if (*l.start++ != *r.start++) return 0; }
                return 1;
            }
            NOINLINE long answer(long x, char *text) {
                char line[32];
                struct text t = {line, sprintf(line, "%ld", x)};
                if (equal(t, (struct text) {"159", 3})) return 5 CHANGE;
                return equal(t, (struct text) {"7777", 4}) ? 6 CHANGE : 7 CHANGE;
            }
            """;
        return Stream.of(
                Arguments.of(
                        "statics, thread-locals and strings",
                        statics.replace("FORMAT", "calls %d seen %ld").replace("EXTRA", ""),
                        statics.replace("FORMAT", "patched %d seen %ld").replace("EXTRA", "+ 1000"),
                        List.of("23 calls 0 seen 7", "35 calls 1 seen 8", "47 calls 2 seen 10"),
                        List.of("1023 patched 3 seen 13", "1035 patched 4 seen 14", "1047 patched 5 seen 16"),
                        List.of("1", "2", "3", "1", "2", "3")),
                Arguments.of(
                        "jump tables",
                        tables.replace("LAST", "41"),
                        tables.replace("LAST", "strtol(\"4242\", NULL, 10)"),
                        List.of("41 three", "31 two", "11 "),
                        List.of("4242 three", "31 two", "11 "),
                        List.of("3", "2", "0", "3", "2", "0")),
                Arguments.of(
                        "cold parts",
                        cold.replace("LIMIT", "100"),
                        cold.replace("LIMIT", "10"),
                        List.of("40 ", "-101 bad 101", "2 "),
                        List.of("-20 bad 20", "-101 bad 101", "2 "),
                        List.of("20", "101", "1", "20", "101", "1")),
                Arguments.of(
                        "static variables of functions, with one name",
                        locals.replace("ADD", ""),
                        locals.replace(
                                        "NOINLINE static long second",
                                        "NOINLINE static long zeroth(void) { static long other = 5000; return ++other;"
                                                + " }\n"
                                                + "NOINLINE static long second")
                                .replace("ADD", "+ zeroth()"),
                        List.of("302 answer", "304 answer", "306 answer"),
                        List.of("5309 answer", "5312 answer", "5315 answer"),
                        List.of("0", "0", "0", "0", "0", "0")),
                Arguments.of(
                        "function pointers in constants",
                        pointers.replace("SHIFT", ""),
                        pointers.replace("SHIFT", "+ 7"),
                        List.of("4 twice", "9 thrice", "8 twice"),
                        List.of("11 twice", "9 thrice", "15 twice"),
                        List.of("2", "3", "4", "2", "3", "4")),
                Arguments.of(
                        "references to before the start of a string",
                        before.replace("CHANGE", ""),
                        before.replace("CHANGE", "+ 40"),
                        List.of("5 ", "6 ", "7 "),
                        List.of("45 ", "46 ", "47 "),
                        List.of("159", "7777", "158", "159", "7777", "158")),
                Arguments.of(
                        "new functions, constants and variables",
                        "NOINLINE long answer(long x, char *text) { strcpy(text, \"old\"); return x; }",
                        """
                        static long history[8];
                        static int filled = 3;
                        static const double factors[] = {1.5, 2.5, 3.5};
                        NOINLINE static long remember(long x) { history[filled & 7] = x; return filled++; }
                        NOINLINE long answer(long x, char *text) {
                            sprintf(text, "new %.1f", x * factors[x % 3]);
                            return remember(x) * 100 + history[3];
                        }
                        """,
                        List.of("4 old", "5 old", "6 old"),
                        List.of("304 new 10.0", "404 new 17.5", "504 new 9.0"),
                        List.of("4", "5", "6", "4", "5", "6")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("changes")
    void changesARunningProgram(
            final String name,
            final String before,
            final String after,
            final List<String> answersBefore,
            final List<String> answersAfter,
            final List<String> questions)
            throws Exception {
        check(CSources.pie(directory.resolve("pie")), before, after, answersBefore, answersAfter, questions);
        check(CSources.fixed(directory.resolve("fixed")), before, after, answersBefore, answersAfter, questions);
        check(
                CSources.pie(directory.resolve("cet"), "-fcf-protection=full", "-fno-plt"),
                before,
                after,
                answersBefore,
                answersAfter,
                questions);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("changes")
    void changesARunningProgramOfAnotherCompiler(
            final String name,
            final String before,
            final String after,
            final List<String> answersBefore,
            final List<String> answersAfter,
            final List<String> questions)
            throws Exception {
        check(
                CSources.pie(directory.resolve("pie")).with("clang"),
                before,
                after,
                answersBefore,
                answersAfter,
                questions);
        check(
                CSources.fixed(directory.resolve("fixed")).with("clang"),
                before,
                after,
                answersBefore,
                answersAfter,
                questions);
    }

    private void check(
            final CSources sources,
            final String before,
            final String after,
            final List<String> answersBefore,
            final List<String> answersAfter,
            final List<String> questions)
            throws Exception {
        changed(sources, before, after);
        final Patch patch = sources.buildWithLibrary();
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            for (int i = 0; i < answersBefore.size(); i++) {
                assertThat(program.ask(questions.get(i))).isEqualTo(answersBefore.get(i));
            }
            program.install(patch);
            for (int i = 0; i < answersAfter.size(); i++) {
                assertThat(program.ask(questions.get(answersBefore.size() + i))).isEqualTo(answersAfter.get(i));
            }
            assertThat(program.isAlive()).isTrue();
        }
    }

    @Test
    void staticsOfTheSameNameAreTheirFilesOwn() throws Exception {
        final String other = """
            static long value = 1000;
            static long __attribute__((noinline)) get(void) { return ++value; }
            long other(void) { return get(); }
            """;
        final String code = INCLUDES + """
            static long value = 10;
            static long __attribute__((noinline)) get(void) { return ++value; }
            long other(void);
            NOINLINE long answer(long x, char *text) { strcpy(text, "TEXT"); return get() * 10000 + other(); }
            """;
        final CSources sources = CSources.pie(directory.resolve("same"));
        sources.compile(sources.before(), Map.of("main", MAIN, "a/code", code, "b/code", other))
                .compile(sources.after(), Map.of("main", MAIN, "a/code", code.replace("TEXT", "new"), "b/code", other))
                .link();
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("1")).isEqualTo("111001 TEXT");
            program.install(sources.build());
            assertThat(program.ask("1")).isEqualTo("121002 new");
        }
    }

    @Test
    void aFunctionThatWasInlinedIsChangedInItsCallers() throws Exception {
        final String code = """
            static long inlined(long x) { return x * FACTOR; }
            NOINLINE long other(long x) { return inlined(x) - 1; }
            NOINLINE long untouched(long x) { return x ^ 0x55; }
            NOINLINE long answer(long x, char *text) { text[0] = 0; return inlined(x) + other(x) + untouched(0); }
            """;
        final CSources sources = changed(
                CSources.pie(directory.resolve("inline")), code.replace("FACTOR", "3"), code.replace("FACTOR", "7"));
        assertThat(sources.build().targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .containsExactlyInAnyOrder("other", "answer");
    }

    /** Of the static functions gcc makes others, with parameters less, constants for parameters, or a part only. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "sum.isra.0        | p->first * 3  | p->first * 4  | 51 | 57",
                "scale.constprop.0 | x * factor + 1 | x * factor + 2 | 51 | 53",
                "partly.part.0     | x * 7         | x * 8         | 171 | 184"
            })
    void clonesOfFunctionsAreReplaced(
            final String clone, final String from, final String to, final long before, final long after)
            throws Exception {
        final String code = """
            struct pair { long first, second; };
            NOINLINE static long sum(const struct pair *p) { return p->first * 3 + p->second; }
            NOINLINE static long scale(long x, long factor, char *text) { strcat(text, "s"); return x * factor + 1; }
            static long partly(long x, char *text) {
                if (x < 5) return x;
                for (long i = 0; i < x; i++) { strcat(text, "p"); if (text[i] == 'q') x += atol(text); }
                for (long i = 0; i < x; i++) { strcat(text, "r"); if (text[i] == 'q') x += atol(text); }
                return x * 7;
            }
            NOINLINE long first(long x, char *text) {
                struct pair p = {x, 2};
                return sum(&p) + scale(x, 3, text) + partly(x, text);
            }
            NOINLINE long answer(long x, char *text) {
                struct pair p = {x, 1};
                const long value = first(x, text) + sum(&p) + scale(x + 1, 3, text) + partly(x + 1, text);
                text[0] = 0;
                return value;
            }
            """;
        final CSources sources = changed(CSources.pie(directory.resolve(clone)), code, code.replace(from, to));
        final Patch patch = sources.build();
        assertThat(patch.targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .containsExactly(clone);
        final String question = clone.startsWith("partly") ? "6" : "3";
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask(question)).isEqualTo(before + " ");
            program.install(patch);
            assertThat(program.ask(question)).isEqualTo(after + " ");
        }
    }

    @Test
    void lineNumbersMeanNothing() throws Exception {
        final String code = """
            NOINLINE void failed(const char *file, int line) { printf("%s %d", file, line); exit(1); }
            #define CHECK(x) do { if (!(x)) failed(__FILE__, __LINE__); } while (0)
            NOINLINE long answer(long x, char *text) { text[0] = 0; LINES return CHANGE x; }
            NOINLINE long below(long x) {
                CHECK(x > 1);
                CHECK(x < 1000);
                return x * 3;
            }
            struct pair { char *first, *second; };
            NOINLINE void drop(const char *text, const char *file, int line) { if (!text) failed(file, line); }
            /* The first line's parameters come in the middle of what the opening brace does. */
            NOINLINE void drop_both(struct pair *pair)
            {
                drop(pair->first, __FILE__, __LINE__);
                drop(pair->second, __FILE__, __LINE__);
                drop((char *)pair, __FILE__, __LINE__);
            }
            """;
        final CSources sources = changed(
                CSources.pie(directory.resolve("lines")),
                code.replace("LINES", "").replace("CHANGE", ""),
                code.replace("LINES", "\n\n\n").replace("CHANGE", "-"));
        assertThat(sources.build().targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .containsExactly("answer");
    }

    @Test
    void constantsThatMoveAsLinesDoAreNoLineNumbers() throws Exception {
        final String code = """
            COUNTED
            NOINLINE void told(const char *text, int count) { printf("%s %d", text, count); exit(1); }
            NOINLINE long commands(void) { return COUNT; }
            NOINLINE void tell(void) { told("commands", COUNT); }
            NOINLINE long answer(long x, char *text) { if (x == 77) tell(); text[0] = 0; return x + commands(); }
            """;
        final CSources sources = changed(
                CSources.pie(directory.resolve("lines")),
                code.replace("COUNTED", "#define COUNT 3"),
                code.replace("COUNTED", "\n#define COUNT 4"));
        assertThat(sources.build().targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .containsExactlyInAnyOrder("commands", "tell");
    }

    @Test
    void theSameInputGivesTheSameBytes() throws Exception {
        final String code = "NOINLINE long answer(long x, char *text) { strcpy(text, \"TEXT\"); return x; }";
        final CSources sources = changed(CSources.pie(directory.resolve("same")), code, code.replace("TEXT", "longer"));
        assertThat(sources.buildFile(BuildOptions.NONE)).isEqualTo(sources.buildFile(BuildOptions.NONE));
    }
}

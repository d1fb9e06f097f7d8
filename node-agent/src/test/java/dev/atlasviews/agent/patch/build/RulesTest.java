// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import dev.atlasviews.agent.patch.PatchRelocation;
import dev.atlasviews.agent.patch.RelocationTarget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The builder's part of the rules that keep patches sound, on what compilers really make. */
class RulesTest {
    /** Answers each line of input, as {@link PatchedProgram} asks. */
    private static final String LOOP = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #define NOINLINE __attribute__((noinline))
        long answer(long x);
        int main(void) {
            char line[256];
            while (fgets(line, sizeof line, stdin)) { printf("%ld\\n", answer(atol(line))); fflush(stdout); }
            return 0;
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private static PatchRefusedException refusal(final CSources sources) {
        return Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
    }

    private CSources changed(final String compiler, final String code, final String from, final String to)
            throws Exception {
        assertThat(code).contains(from);
        return CSources.pie(directory.resolve(compiler))
                .with(compiler)
                .change(LOOP + code, LOOP + code.replace(from, to));
    }

    private static List<String> functions(final Patch patch) {
        return patch.targets().getFirst().functions().stream()
                .map(PatchFunction::name)
                .toList();
    }

    private void answers(final CSources sources, final String question, final String before, final String after)
            throws Exception {
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask(question)).isEqualTo(before);
            program.install(sources.build());
            assertThat(program.ask(question)).isEqualTo(after);
            assertThat(program.isAlive()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule1TheAddressOfAFunctionIsItsOriginalEntryAlsoForItself(final String compiler) throws Exception {
        // Old code keeps the address; new code must find that it is the same function.
        final String code = """
            static long (*known)(long);
            NOINLINE static long self(long x) {
                if (!known) known = self;
                return known == self ? x + 1 : -1;
            }
            long answer(long x) { return self(x); }
            """;
        answers(changed(compiler, code, "x + 1", "x + 100"), "5", "6", "105");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule1ATableOfLabelsGoesWithItsFunction(final String compiler) throws Exception {
        final String code = """
            NOINLINE long answer(long x) {
                static const void *const table[] = {&&zero, &&one, &&two};
                goto *table[x % 3];
            zero: return x * 10;
            one: return x * 20;
            two: return x * 30 + 7;
            }
            """;
        answers(changed(compiler, code, "x * 30 + 7", "x * 30 + 8"), "5", "157", "158");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule1ALabelThatIsKeptInAVariableIsRefused(final String compiler) throws Exception {
        final String code = """
            NOINLINE long answer(long x) {
                static void *next = &&first;
                goto *next;
            first: next = &&second; return x;
            second: next = &&first; return x * 2;
            }
            """;
        final PatchRefusedException refusal = refusal(changed(compiler, code, "x * 2", "x * 3"));
        assertThat(refusal.reason()).isEqualTo(Refusal.CODE_LABEL);
        assertThat(refusal.subject()).isEqualTo("answer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule1ALabelThatIsKeptInAProgramAtAFixedAddressIsRefused(final String compiler) throws Exception {
        final String code = """
            NOINLINE long answer(long x) {
                static void *next;
                if (!next) next = &&first;
                goto *next;
            first: next = &&second; return x;
            second: next = &&first; return x * 2;
            }
            """;
        final CSources sources = CSources.fixed(directory.resolve(compiler))
                .with(compiler)
                .change(LOOP + code, LOOP + code.replace("x * 2", "x * 3"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.CODE_LABEL);
        assertThat(refusal.subject()).isEqualTo("answer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule1ATableForJumpsInAProgramAtAFixedAddressIsTaken(final String compiler) throws Exception {
        final String code = """
            NOINLINE long answer(long x) {
                switch (x) {
                case 0: return atol("10");
                case 1: puts("one"); return 21;
                case 2: return labs(x * 3);
                case 3: return atol("37") + x;
                case 4: puts("four"); return 51;
                case 5: return atol("61") * 2;
                default: return -1;
                }
            }
            """;
        final CSources sources = CSources.fixed(directory.resolve(compiler))
                .with(compiler)
                .change(LOOP + code, LOOP + code.replace("x * 3", "x * 4"));
        answers(sources, "2", "6", "8");
    }

    private static final String TWO = """
        NOINLINE long one(long x) { return x * 3 ONE; }
        NOINLINE long two(long x) { return x * 5 TWO; }
        long answer(long x) { return one(x) + two(x); }
        """;

    private static String two(final String one, final String two) {
        return LOOP + TWO.replace("ONE", one).replace("TWO", two);
    }

    private byte[] based(final CSources sources, final Patch base) throws Exception {
        return sources.buildFile(new BuildOptions(List.of(base), List.of(), false, Set.of()));
    }

    @Test
    void rule2WhatAPatchIsBasedOnIsContainedInIt() throws Exception {
        final CSources sources = CSources.pie(directory.resolve("base")).change(two("", ""), two("+ 1", ""));
        final Patch base = sources.build();
        assertThat(functions(base)).containsExactly("one");
        sources.compile(sources.after(), Map.of("main", two("+ 1", "+ 1")));
        final Patch both = PatchReader.read(based(sources, base));
        assertThat(both.basedOn()).containsExactly(base.digest());
        assertThat(functions(both)).containsExactlyInAnyOrder("one", "two");
        sources.compile(sources.after(), Map.of("main", two("", "+ 1")));
        final PatchRefusedException refusal =
                Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, () -> based(sources, base)));
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_BASE);
        assertThat(refusal.subject()).isEqualTo("one");
    }

    @Test
    void rule2APatchOfAnotherProgramIsNoBase() throws Exception {
        final Patch other = CSources.pie(directory.resolve("other"))
                .change(two("+ 7", ""), two("+ 8", ""))
                .build();
        final CSources sources = CSources.pie(directory.resolve("base")).change(two("", ""), two("+ 1", ""));
        assertThat(Objects.requireNonNull(
                                catchThrowableOfType(PatchRefusedException.class, () -> based(sources, other)))
                        .reason())
                .isEqualTo(Refusal.NOT_THE_BASE);
    }

    /** Jumps to functions, which are short where all are in one section, and much behind them. */
    private static final String NEAR_JUMPS = """
        NOINLINE static long near(long x) { return x * 3 + 1; }
        NOINLINE static long other(long x) { return x * 5 + 2; }
        NOINLINE long answer(long x) {
            if (__builtin_expect(x < 0, 1)) return near(x + 4);
            long sum = 7;
            for (long i = 0; i < x; i++) {
                sum = sum * 3 + i;
                asm volatile("" : "+r"(sum));
                switch (sum & 15) {
                case 0: sum += 5; break;
                case 3: sum ^= 3; break;
                case 4: sum -= x; break;
                case 6: sum *= i + 1; break;
                case 9: sum += 100; break;
                case 12: puts(""); break;
                }
            }
            return other(sum);
        }
        """;

    /** A program as it is built where nobody thinks of patches, without a section for each function. */
    private CSources ordinary(final String compiler, final String code, final String... more) throws Exception {
        final List<String> flags = new ArrayList<>(List.of("-fno-function-sections", "-fno-data-sections"));
        flags.addAll(List.of(more));
        return CSources.pie(directory.resolve("ordinary"), flags.toArray(String[]::new))
                .with(compiler)
                .change(LOOP + code, LOOP + code);
    }

    private static byte[] build(final CSources objects, final CSources running) throws Exception {
        return PatchBuilder.build(
                ObjectPair.find(objects.before(), objects.after()), running.target(), BuildOptions.NONE);
    }

    private static PatchRefusedException refusal(final CSources objects, final CSources running) {
        return Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, () -> build(objects, running)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule3TheRunningProgramNeedNotHaveFunctionSections(final String compiler) throws Exception {
        final CSources objects = changed(compiler, NEAR_JUMPS, "sum = 7", "sum = 8");
        final CSources running = ordinary(compiler, NEAR_JUMPS);
        final TargetProgram target = running.target();
        final byte[] code = target.bytes(target.global("answer").orElseThrow()).orElseThrow();
        assertThat(InstructionDecoder.decode(code))
                .anyMatch(each -> each.opcode() == 0xeb && (each.target() < 0 || each.target() >= code.length));
        final Patch patch = PatchReader.read(build(objects, running));
        try (PatchedProgram program = new PatchedProgram(directory, running.program())) {
            assertThat(program.ask("0")).isEqualTo("37");
            program.install(patch);
            assertThat(program.ask("0")).isEqualTo("42");
            assertThat(program.ask("-1")).isEqualTo("10");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule3AShortJumpToAnotherFunctionIsOtherCode(final String compiler) throws Exception {
        final CSources objects = changed(compiler, NEAR_JUMPS, "sum = 7", "sum = 8");
        final CSources running = ordinary(compiler, NEAR_JUMPS.replace("return near(x + 4)", "return other(x + 4)"));
        final PatchRefusedException refusal = refusal(objects, running);
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal.subject()).isEqualTo("answer");
    }

    @Test
    void rule3AShortJumpToAnotherGlobalFunctionIsOtherCode() throws Exception {
        final String code =
                "NOINLINE long third(long x) { return x * 7; }\n" + NEAR_JUMPS.replace("NOINLINE static", "NOINLINE");
        final CSources objects = changed("gcc", code, "sum = 7", "sum = 8");
        assertThat(PatchReader.read(build(objects, ordinary("gcc", code))).targets())
                .hasSize(1);
        final CSources running = ordinary("gcc", code.replace("return near(x + 4)", "return third(x + 4)"));
        final PatchRefusedException refusal = refusal(objects, running);
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal.getMessage()).contains("its reference to near leads elsewhere");
    }

    private static final String CALLS = """
        NOINLINE long near(long x) { return x * 3 + 1; }
        NOINLINE long third(long x) { return x * 7; }
        NOINLINE long other(long x) { return x + rand(); }
        NOINLINE long answer(long x) { return near(x + 4) + other(x) + 1; }
        """;

    @Test
    void rule3ACallOfAnotherGlobalFunctionIsOtherCode() throws Exception {
        final CSources objects = CSources.pie(directory.resolve("objects"))
                .change(LOOP + CALLS, LOOP + CALLS.replace("other(x) + 1", "other(x) + 2"));
        assertThat(functions(objects.build())).containsExactly("answer");
        final String code = LOOP + CALLS.replace("return near(x + 4)", "return third(x + 4)");
        final CSources running = CSources.pie(directory.resolve("running")).change(code, code);
        final PatchRefusedException refusal = refusal(objects, running);
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal).hasMessageContaining("its reference to near leads elsewhere");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-fplt", "-fno-plt"})
    void rule3WhatTheLinkerPutInThePlaceOfAnotherFunctionIsSeen(final String flag) throws Exception {
        final String code = LOOP + "int __wrap_rand(void) { return 4; }\n" + CALLS;
        final CSources sources = new CSources(
                        directory.resolve("wrapped"),
                        List.of("-fPIE", flag),
                        List.of("-pie", "-Wl,--build-id=sha1", "-Wl,--wrap=rand"))
                .change(code, code.replace("other(x) + 1", "other(x) + 2"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal.subject()).isEqualTo("other");
        assertThat(refusal).hasMessageContaining("its reference to rand leads elsewhere");
    }

    /** Objects for libraries ask for a thread's variable by a call, which the linker of a program does without. */
    @ParameterizedTest
    @ValueSource(strings = {"-fplt", "-fno-plt"})
    void rule3ThreadLocalVariablesOfObjectsForLibrariesAreTaken(final String flag) throws Exception {
        final String code = """
            extern __thread long shared;
            NOINLINE long count(void) { return ++shared; }
            NOINLINE long answer(long x) { return x * 2 + count(); }
            """;
        final String other = "__thread long shared = 7;\n";
        final CSources sources = new CSources(
                directory.resolve("threads"), List.of("-fPIC", flag), List.of("-pie", "-Wl,--build-id=sha1"));
        sources.compile(sources.before(), Map.of("main", LOOP + code, "other", other))
                .compile(sources.after(), Map.of("main", LOOP + code.replace("x * 2", "x * 3"), "other", other))
                .link();
        answers(sources, "5", "18", "24");
    }

    @Test
    void rule3AColdPartComesBackToWhereItsFunctionHasMoved() throws Exception {
        final String code = """
            NOINLINE static long near(long x) { return x * 3 + 1; }
            __attribute__((cold, noinline)) long rare(long x) { return x + 1; }
            NOINLINE static long twice(long x) {
                if (__builtin_expect(x < 0, 1)) return near(x + 4);
                asm volatile("" : "+r"(x));
                if (x == 77) x = rare(x);
                asm volatile("" : "+r"(x));
                return x * 2;
            }
            NOINLINE long answer(long x) { return twice(x) + 5; }
            """;
        final String[] unaligned = {"-fno-align-jumps", "-fno-align-labels"};
        final CSources objects = CSources.pie(directory.resolve("objects"), unaligned)
                .change(LOOP + code, LOOP + code.replace("x * 2", "x * 2 + 1"));
        final CSources running = ordinary("gcc", code, unaligned);
        try (PatchedProgram program = new PatchedProgram(directory, running.program())) {
            assertThat(program.ask("77")).isEqualTo("161");
            program.install(PatchReader.read(build(objects, running)));
            assertThat(program.ask("77")).isEqualTo("162");
            assertThat(program.ask("-5")).isEqualTo("3");
        }
    }

    /** Those of GCC 8 have a number. */
    @ParameterizedTest
    @ValueSource(strings = {".cold", ".cold.7"})
    void rule3AColdPartComesBackToTheNewBody(final String suffix) throws Exception {
        final String code = """
            __attribute__((cold, noinline)) long rare(long x) { return x + 1; }
            NOINLINE static long twice(long x) {
                if (x == 77) x = rare(x);
                asm volatile("" : "+r"(x));
                return x * 2;
            }
            NOINLINE long answer(long x) { return twice(x) + 5; }
            """;
        final CSources sources = changed("gcc", code, "x * 2", "x * 2 + 1");
        for (final Path objects : List.of(sources.before(), sources.after())) {
            CSources.run(objects, List.of("objcopy", "--redefine-sym", "twice.cold=twice" + suffix, "main.o"));
        }
        sources.link();
        assertThat(functions(sources.build())).containsExactlyInAnyOrder("twice", "twice" + suffix);
        answers(sources, "77", "161", "162");
    }

    /** As the manual of gcc has them. The assembler knows them, and no relocation tells that they have changed. */
    @Test
    void rule1DistancesBetweenLabelsAreThoseOfTheNewBody() throws Exception {
        final String code = """
            NOINLINE static long near(long x) { return x * 3 + 1; }
            long kept;
            NOINLINE long answer(long x) {
                static const int distances[] = {&&a - &&a, &&b - &&a, &&c - &&a};
                kept = 7;
                goto *(&&a + distances[x % 3]);
            a:  kept++; if (x > 4) return near(x + 4);
            b:  kept ^= 3;
            c:  return kept + 1;
            }
            """;
        final CSources objects = CSources.fixed(directory.resolve("objects"), "-Os")
                .change(LOOP + code, LOOP + code.replace("kept = 7", "kept = 8"));
        final CSources running = CSources.fixed(directory.resolve("ordinary"), "-Os", "-fno-function-sections")
                .change(LOOP + code, LOOP + code);
        try (PatchedProgram program = new PatchedProgram(directory, running.program())) {
            assertThat(program.ask("1")).isEqualTo("5");
            assertThat(program.ask("2")).isEqualTo("8");
            program.install(PatchReader.read(build(objects, running)));
            assertThat(program.ask("1")).isEqualTo("12");
            assertThat(program.ask("2")).isEqualTo("9");
            assertThat(program.ask("6")).isEqualTo("31");
        }
    }

    @Test
    void rule3CodeThatTheLinkerFoldedIsRefused() throws Exception {
        final String code = """
            NOINLINE long one(long x) { return x * 3 + 1; }
            NOINLINE long two(long x) { return x * 3 + 1; }
            long answer(long x) { return one(x) + two(x + 1); }
            """;
        final CSources sources = new CSources(
                        directory.resolve("folded"),
                        List.of("-fPIE", "-fno-ipa-icf"),
                        List.of("-pie", "-Wl,--build-id=sha1", "-fuse-ld=gold", "-Wl,--icf=all"))
                .change(
                        LOOP + code,
                        LOOP + code.replace("two(long x) { return x * 3 + 1", "two(long x) { return x * 4"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.FOLDED_CODE);
        assertThat(refusal.subject()).isEqualTo("two");
        assertThat(refusal).hasMessageContaining("one");
    }

    /** As an alias, or as compilers make one body of functions that are the same. */
    @Test
    void rule3NamesOfOneFunctionThatBecomeTwoAreRefused() throws Exception {
        final String code = """
            NOINLINE long one(long x) { return x * 3 + 1; }
            TWO
            long answer(long x) { return one(x) * 1000 + two(x); }
            """;
        final String alias = LOOP + code.replace("TWO", "long two(long x) __attribute__((alias(\"one\")));");
        final CSources sources = CSources.pie(directory.resolve("split"))
                .change(alias, LOOP + code.replace("TWO", "NOINLINE long two(long x) { return x * 4; }"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.FOLDED_CODE);
        assertThat(refusal.subject()).isEqualTo("two");
        assertThat(refusal).hasMessageContaining("with one").hasMessageContaining("change both alike");
        answers(
                CSources.pie(directory.resolve("kept")).change(alias, alias.replace("x * 3 + 1", "x * 5")),
                "1",
                "4004",
                "5005");
    }

    /** Linkers that fold two local functions may leave the symbols of both. */
    @Test
    void rule3FunctionsOfOneNameThatTheLinkerFoldedAreRefused() throws Exception {
        final String code = """
            NOINLINE static long helper(long x) { return x * 3 + 1; }
            long answer(long x) { return helper(x); }
            """;
        final CSources sources = changed("gcc", code, "+ 1", "+ 2");
        final ElfFile program = ElfFile.read(sources.program());
        final long start = program.section(".text").orElseThrow().address();
        final long helper = sources.target().files("main.c").getFirst().stream()
                .filter(symbol -> symbol.name().equals("helper"))
                .mapToLong(symbol -> symbol.value() - start)
                .findFirst()
                .orElseThrow();
        CSources.run(
                directory,
                List.of(
                        "objcopy",
                        "--add-symbol",
                        "helper=.text:0x" + Long.toHexString(helper) + ",function,local",
                        sources.program().toString()));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.FOLDED_CODE);
        assertThat(refusal.subject()).isEqualTo("helper");
    }

    @Test
    void rule3FunctionsThatBecomeOneAreReplacedUnderBothNames() throws Exception {
        final String code = """
            NOINLINE long one(long x) { return x * 3 + 1; }
            NOINLINE long two(long x) { return x * 5 + 2; }
            long answer(long x) { return one(x) * 1000 + two(x); }
            """;
        final String same = code.replace("x * 3 + 1", "x * 7 + 4").replace("x * 5 + 2", "x * 7 + 4");
        answers(CSources.pie(directory.resolve("same")).change(LOOP + code, LOOP + same), "1", "4007", "11011");
    }

    @ParameterizedTest
    @ValueSource(strings = {"makecontext", "jump_fcontext"})
    void rule6StacksThatNobodySeesAreRefusedUnlessAllowed(final String symbol) throws Exception {
        final String code = "void " + symbol + "(void);\n"
                + (symbol.equals("makecontext") ? "" : "void jump_fcontext(void) { puts(\"\"); }\n")
                + "NOINLINE long answer(long x) { if (x == 77) " + symbol + "(); return x * 2; }\n";
        final CSources sources = changed("gcc", code, "x * 2", "x * 3");
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.HIDDEN_STACKS);
        assertThat(refusal.subject()).isEqualTo(symbol);
        assertThat(sources.buildFile(new BuildOptions(List.of(), List.of(), true, Set.of())))
                .isNotEmpty();
    }

    private static final String CPLUSPLUS = """
        template <typename T> NOINLINE T twice(T x) { static T calls; return x * 2 + calls++; }
        struct shape {
            long side;
            explicit shape(long s) : side(s) {}
            virtual ~shape() {}
            virtual long area() const { return side * side; }
        };
        struct cube : shape {
            using shape::shape;
            long area() const override { return shape::area() * 6 CHANGE; }
        };
        NOINLINE static long measure(const shape &s) { return s.area() + twice(s.side); }
        long answer(long x) { cube c(x); return measure(c); }
        """;

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void rule8CPlusPlusWithoutExceptionsIsTaken(final String compiler) throws Exception {
        // Virtual functions, templates and their static variables: sections of which the linker keeps one.
        final CSources sources = CSources.pie(
                        directory.resolve(compiler), "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables")
                .with(compiler)
                .change(LOOP + CPLUSPLUS.replace("CHANGE", ""), LOOP + CPLUSPLUS.replace("CHANGE", "+ twice(side)"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("3")).isEqualTo("60");
            assertThat(program.ask("3")).isEqualTo("61");
            program.install(sources.build());
            assertThat(program.ask("3")).isEqualTo(String.valueOf(54 + (6 + 2) + (6 + 3)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule9WhatIsNewLiesInItsOwnArea(final String compiler) throws Exception {
        final String code = """
            NEW
            NOINLINE long answer(long x) { return x * 2 USE; }
            """;
        final CSources sources = CSources.pie(directory.resolve(compiler))
                .with(compiler)
                .change(
                        LOOP + code.replace("NEW", "").replace("USE", ""),
                        LOOP
                                + code.replace("NEW", "static long count; static const long fixed[] = {4, 5};")
                                        .replace("USE", "+ ++count + fixed[x & 1]"));
        final Patch patch = sources.build();
        final var target = patch.targets().getFirst();
        assertThat(target.data().size()).isEqualTo(8);
        assertThat(target.constants().size()).isPositive();
        assertThat(target.variables()).singleElement().satisfies(variable -> {
            assertThat(variable.name()).isEqualTo("count");
            assertThat(variable.unit()).isEqualTo("main" + (compiler.endsWith("+") ? ".cc" : ".c"));
        });
        answers(sources, "1", "2", "8");
    }

    @Test
    void rule9ThreadLocalVariablesOfTheSameNameAreTheirUnitsOwn() throws Exception {
        final String code = "static __thread long seen = START; long NAME(long x) { return seen += x CHANGE; }\n";
        final String one = code.replace("NAME", "one").replace("START", "1");
        final String two = code.replace("NAME", "two").replace("START", "100");
        final String main =
                LOOP + "long one(long x), two(long x); long answer(long x) { return one(x) * 1000 + two(x); }\n";
        final CSources sources = new CSources(
                directory.resolve("threads"),
                List.of("-fPIC", "-ftls-model=initial-exec"),
                List.of("-pie", "-Wl,--build-id=sha1"));
        sources.compile(
                        sources.before(),
                        Map.of("main", main, "one", one.replace("CHANGE", ""), "two", two.replace("CHANGE", "")))
                .compile(
                        sources.after(),
                        Map.of("main", main, "one", one.replace("CHANGE", "+ 1"), "two", two.replace("CHANGE", "+ 1")))
                .link();
        answers(sources, "1", "2101", "4103");
    }

    /** The end of the array is, for the assembler, where its neighbour is. */
    private static final String NEIGHBOURS = """
        static long other, array[4], next FRESH;
        NOINLINE static long sum(void) {
            long result = START;
            for (long *at = array; at < array + 4; at++) result += *at;
            return result;
        }
        NOINLINE static long put(long x) { array[x & 3] += x; other++; return next += other; }
        long answer(long x) { long count = put(x); return sum() * 1000 + count; }
        """;

    private CSources neighbours(final String start, final String fresh) throws Exception {
        final String code = LOOP + NEIGHBOURS.replace("START", start).replace("FRESH", fresh);
        return CSources.fixed(directory.resolve("neighbours"), "-fno-data-sections")
                .change(LOOP + NEIGHBOURS.replace("START", "0").replace("FRESH", ""), code);
    }

    @Test
    void rule9VariablesThatShareASectionAreWhereTheyAreInTheProgram() throws Exception {
        final CSources sources = neighbours("500", "");
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("1")).isEqualTo("1001");
            assertThat(program.ask("2")).isEqualTo("3003");
            program.install(sources.build());
            assertThat(program.ask("3")).isEqualTo("506006");
        }
    }

    @Test
    void rule9VariablesThatShareASectionWithANewOneAreRefused() throws Exception {
        final PatchRefusedException refusal = refusal(neighbours("fresh++", ", fresh"));
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_DATA_SECTIONS);
        assertThat(refusal).hasMessageContaining("-fdata-sections");
    }

    private CSources inlined(final String compiler, final String before, final String after) throws Exception {
        final String other =
                "#define NOINLINE __attribute__((noinline))\nDEFINITION long other(long x) { return USE; }\n";
        final String main =
                LOOP + "long other(long x); DEFINITION NOINLINE long answer(long x) { return other(x) * 100 + USE; }\n";
        final String useBefore = before.isEmpty() ? "x + 70000" : "shared(x)";
        final CSources sources =
                CSources.pie(directory.resolve(compiler), "-fno-exceptions").with(compiler);
        return sources.compile(
                        sources.before(),
                        Map.of(
                                "main",
                                main.replace("DEFINITION", before).replace("USE", useBefore),
                                "other",
                                other.replace("DEFINITION", before).replace("USE", useBefore)))
                .compile(
                        sources.after(),
                        Map.of(
                                "main",
                                main.replace("DEFINITION", after).replace("USE", "shared(x)"),
                                "other",
                                other.replace("DEFINITION", after).replace("USE", "shared(x)")))
                .link();
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void rule9ANewVariableOfAnInlineFunctionIsOneForAllUnits(final String compiler) throws Exception {
        final String code = "inline NOINLINE long shared(long x) { static long calls; return x + ++calls; }\n";
        answers(inlined(compiler, "", code), "5", "7070505", "607");
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void rule9AVariableOfAnInlineFunctionThatAnotherUnitHasIsThatOne(final String compiler) throws Exception {
        final String code = "inline NOINLINE long shared(long x) { static long calls = 20; return x + ++calls; }\n";
        final String other = "#define NOINLINE __attribute__((noinline))\n" + code
                + "NOINLINE long other(long x) { return shared(x); }\n";
        final String main =
                LOOP + "long other(long x); DEFINITION NOINLINE long answer(long x) { return other(x) * 100 + USE; }\n";
        final CSources sources =
                CSources.pie(directory.resolve(compiler), "-fno-exceptions").with(compiler);
        sources.compile(
                        sources.before(),
                        Map.of(
                                "other",
                                other,
                                "main",
                                main.replace("DEFINITION", "").replace("USE", "x")))
                .compile(
                        sources.after(),
                        Map.of(
                                "other",
                                other,
                                "main",
                                main.replace("DEFINITION", code).replace("USE", "shared(x)")))
                .link();
        answers(sources, "5", "2605", "2728");
        assertThat(functions(sources.build()))
                .as("the program has the inline function")
                .noneMatch(function -> function.contains("shared"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule9AVariableThatMovesToAnotherUnitGoesOn(final String compiler) throws Exception {
        final String count = "long count = 40;\n";
        final String other = "extern long count; long other(long x) { return x + ++count; }\n";
        final String main = LOOP + "extern long count; long other(long x); DEFINITION"
                + " NOINLINE long answer(long x) { return other(x) * 100 + ADDED; }\n";
        final CSources sources = CSources.pie(directory.resolve(compiler)).with(compiler);
        sources.compile(
                        sources.before(),
                        Map.of(
                                "other",
                                count + other,
                                "main",
                                main.replace("DEFINITION", "").replace("ADDED", "1")))
                .compile(
                        sources.after(),
                        Map.of(
                                "other",
                                other,
                                "main",
                                main.replace("DEFINITION", count).replace("ADDED", "count")))
                .link();
        answers(sources, "5", "4601", "4742");
        sources.compile(
                sources.after(),
                Map.of("main", main.replace("DEFINITION", "long count = 41;").replace("ADDED", "count")));
        assertThat(refusal(sources).reason()).isEqualTo(Refusal.CHANGED_VARIABLE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void rule3AnInlineFunctionThatChangesInTwoUnitsIsReplacedOnce(final String compiler) throws Exception {
        final String code = "inline NOINLINE long shared(long x) { return x * 2; }\n";
        final CSources sources = inlined(compiler, code, code.replace("* 2", "* 3"));
        assertThat(sources.build().targets().getFirst().functions())
                .filteredOn(function -> function.oldBody() != null)
                .singleElement()
                .satisfies(function -> assertThat(function.name()).contains("shared"));
        answers(sources, "5", "1010", "1515");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule9AnUpgradeGoesOnWithTheVariablesThatAreThere(final String compiler) throws Exception {
        final String code = "NEW NOINLINE long answer(long x) { CODE return x * 3 + 1; }\n";
        final CSources sources = CSources.pie(directory.resolve(compiler))
                .with(compiler)
                .change(
                        LOOP + code.replace("NEW", "").replace("CODE", ""),
                        LOOP
                                + code.replace("NEW", "static long count = 40; static long locked[4];")
                                        .replace(
                                                "CODE",
                                                "static long calls; long *mine = locked + (x & 3); *mine |= x == 7;"
                                                        + " x += ++count * 10 + ++calls + *mine;"));
        final Patch first = sources.build();
        sources.compile(
                sources.after(),
                Map.of(
                        "main",
                        LOOP
                                + code.replace("NEW", "static long fresh = 5, locked[4], count = 40;")
                                        .replace(
                                                "CODE",
                                                "static long calls; ++fresh; long *half = locked + (x & 1);"
                                                        + " half[3 - (x & 1)] |= x == 99;"
                                                        + " x = half[3 - (x & 1)] * 1000 + ++count * 10 + ++calls"
                                                        + " + fresh;")));
        final Patch second = sources.build();

        assertThat(first.targets().getFirst().refersToVariables()).isTrue();
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            program.install(first);
            assertThat(program.ask("7")).isEqualTo("1258");
            program.upgrade(first, second);
            assertThat(program.ask("6"))
                    .as("locked, counted and called once before, and one variable of its own")
                    .isEqualTo("4285");
            assertThat(program.ask("7")).isEqualTo("4321");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void rule10LibraryFunctionsGoThroughTheProgramsOwnSlots(final String compiler) throws Exception {
        final String code =
                "NOINLINE long answer(long x) { char b[32]; sprintf(b, \"%ld\", x); return atol(b) * 2; }\n";
        final CSources sources = changed(compiler, code, "* 2", "* 3");
        answers(sources, "4", "8", "12");
        assertThat(sources.build().targets().getFirst().text().relocations())
                .extracting(PatchRelocation::target)
                .noneMatch(RelocationTarget.Dynamic.class::isInstance);
    }

    @Test
    void rule10ANewSymbolOfALibraryThatTheProgramNamesMayBeUsed() throws Exception {
        final String code = "NOINLINE long answer(long x) { return x * 2; }\n";
        final CSources sources = changed("gcc", code, "x * 2", "strtoul(\"77\", NULL, 8) + x");
        assertThat(refusal(sources).reason()).isEqualTo(Refusal.UNRESOLVED_SYMBOL);
        final byte[] file = sources.buildFile(
                new BuildOptions(List.of(), NeededLibraries.of(ElfFile.read(sources.program())), false, Set.of()));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("4")).isEqualTo("8");
            program.install(PatchReader.read(file));
            assertThat(program.ask("4")).isEqualTo("67");
        }
    }

    @Test
    void rule10StaticProgramsAreTaken() throws Exception {
        final String code = "NOINLINE long answer(long x) { return labs(x) * 2; }\n";
        for (final String kind : List.of("-static", "-static-pie")) {
            final CSources sources = new CSources(
                            directory.resolve(kind), List.of("-fPIE"), List.of(kind, "-Wl,--build-id=sha1"))
                    .change(LOOP + code, LOOP + code.replace("* 2", "* 3"));
            final Patch patch = sources.build();
            assertThat(functions(patch)).containsExactly("answer");
            assertThat(patch.targets().getFirst().positionIndependent()).isEqualTo(kind.equals("-static-pie"));
        }
    }
}

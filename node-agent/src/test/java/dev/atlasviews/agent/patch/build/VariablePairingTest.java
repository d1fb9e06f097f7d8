// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Variables inside functions keep their values, whatever numbers the compiler gives them. */
class VariablePairingTest {
    private static final String LOOP = """
        #include <stdio.h>
        #include <stdlib.h>
        #define NOINLINE __attribute__((noinline))
        #define INLINE static inline __attribute__((always_inline))
        NOINLINE long answer(long x);
        int main(void) {
            char line[256];
            while (fgets(line, sizeof line, stdin)) { printf("%ld\\n", answer(atol(line))); fflush(stdout); }
            return 0;
        }
        """;

    private static final String TWO_BLOCKS = """
        long answer(long x) {
            long result = 0;
            NEW
            if (x & 1) { static long count = FIRST; result += ++count; }
            if (x & 2) { static long count = SECOND; result += ++count * 1000; }
            return result;
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private CSources changed(final String compiler, final String before, final String after) throws Exception {
        return CSources.pie(directory.resolve(compiler)).with(compiler).change(LOOP + before, LOOP + after);
    }

    private static void isAmbiguous(final CSources sources, final String subject) {
        final PatchRefusedException refusal =
                Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
        assertThat(refusal.reason()).isEqualTo(Refusal.AMBIGUOUS_SYMBOL);
        assertThat(refusal.subject()).contains(subject);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang", "g++", "clang++"})
    void thoseOfFunctionsThatWereInlinedKeepTheirValuesInAnyOrder(final String compiler) throws Exception {
        final String code = """
            INLINE long first(void) { static long count; return ++count; }
            INLINE long second(void) { static long count; return count += 10; }
            long answer(long x) { BODY }
            """;
        final CSources sources = changed(
                compiler,
                code.replace("BODY", "return x + first() * 1000 + second();"),
                code.replace("BODY", "long s = second(); return x + s * 1000 + first();"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("0")).isEqualTo("1010");
            assertThat(program.ask("0")).isEqualTo("2020");
            program.install(sources.build());
            assertThat(program.ask("0")).isEqualTo("30003");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void thoseOfThreadsAsWell(final String compiler) throws Exception {
        final String code = """
            INLINE long first(void) { static __thread long count; return ++count; }
            INLINE long second(void) { static __thread long count; return count += 10; }
            NOINLINE long answer(long x) { BODY }
            """;
        final CSources sources = changed(
                compiler,
                code.replace("BODY", "return x + first() * 1000 + second();"),
                code.replace("BODY", "long s = second(); return x + s * 1000 + first();"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("0")).isEqualTo("1010");
            program.install(sources.build());
            assertThat(program.ask("0")).isEqualTo("20002");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang", "g++", "clang++"})
    void severalOfOneFunctionAreNotTakenForOneAnother(final String compiler) throws Exception {
        final String code = TWO_BLOCKS.replace("FIRST", "0").replace("SECOND", "0");
        isAmbiguous(
                changed(
                        compiler,
                        code.replace("NEW", ""),
                        code.replace("NEW", "if (x & 4) { static long count = 0; result += count += 5; }")),
                "count");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang", "g++", "clang++"})
    void severalOfOneFunctionAreToldApartByWhatTheyBeganWith(final String compiler) throws Exception {
        final String code = TWO_BLOCKS.replace("FIRST", "10").replace("SECOND", "20");
        final CSources sources = changed(
                compiler,
                code.replace("NEW", ""),
                code.replace("NEW", "if (x & 4) { static long count = 30; result += count += 5; }"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("3")).isEqualTo("21011");
            program.install(sources.build());
            assertThat(program.ask("7")).isEqualTo("22047");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang", "g++", "clang++"})
    void severalOfAnUnchangedFunctionAreKnown(final String compiler) throws Exception {
        final String code = """
            NOINLINE static long both(long x) {
                long result = 0;
                if (x & 1) { static long count; result += ++count; }
                if (x & 2) { static long count; result += ++count * 1000; }
                return result;
            }
            NEW
            long answer(long x) { return both(x) CHANGE; }
            """;
        final CSources sources = changed(
                compiler,
                code.replace("NEW", "").replace("CHANGE", ""),
                code.replace("NEW", "NOINLINE static long more(void) { static long count; return ++count; }")
                        .replace("CHANGE", "+ more() * 1000000"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("1")).isEqualTo("1");
            assertThat(program.ask("3")).isEqualTo("1002");
            program.install(sources.build());
            assertThat(program.ask("3")).isEqualTo("1002003");
        }
    }

    @Test
    void oneThatIsGoneIsNotTakenForANewOneElsewhere() throws Exception {
        final String code = """
            NOINLINE static long first(long x) { FIRST return x; }
            NOINLINE static long second(long x) { SECOND return x * 2; }
            long answer(long x) { return first(x) + second(x); }
            """;
        final String count = "static long count; x += ++count;";
        isAmbiguous(
                changed(
                        "gcc",
                        code.replace("FIRST", count).replace("SECOND", ""),
                        code.replace("FIRST", "").replace("SECOND", count)),
                "count");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "g++", "clang++"})
    void namesThatEndLikeANumberOfTheCompilersAreNames(final String compiler) throws Exception {
        final String code = """
            long answer(long x) {
                static long step_1, step_2, step__10_;
                return x + ++step_1 + (step_2 += 2) * 1000 + (step__10_ += 3) * 1000000 CHANGE;
            }
            """;
        final CSources sources = changed(compiler, code.replace("CHANGE", ""), code.replace("CHANGE", "+ 100"));
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("0")).isEqualTo("3002001");
            program.install(sources.build());
            assertThat(program.ask("0")).isEqualTo("6004102");
        }
    }

    @Test
    void whatIsTheCompilersNumberInAMangledName() {
        assertThat(VariablePairing.baseName("_ZZ4workvE4step")).isEqualTo("_ZZ4workvE4step");
        assertThat(VariablePairing.baseName("_ZZ4workvE4step_0")).isEqualTo("_ZZ4workvE4step");
        assertThat(VariablePairing.baseName("_ZZ4workvE4step__12_")).isEqualTo("_ZZ4workvE4step");
        assertThat(VariablePairing.baseName("_ZZ4workvE6step_1")).isEqualTo("_ZZ4workvE6step_1");
        assertThat(VariablePairing.baseName("_ZZ4workvE6step_1_0")).isEqualTo("_ZZ4workvE6step_1");
        assertThat(VariablePairing.baseName("_ZGVZ4workvE6step_1")).isEqualTo("_ZGVZ4workvE6step_1");
    }
}

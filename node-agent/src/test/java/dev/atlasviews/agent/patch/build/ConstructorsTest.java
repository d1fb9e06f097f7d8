// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.patch.PatchFunction;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ran when the program started is not changed by a patch: where it differs there is none. */
class ConstructorsTest {
    private static final String CODE = """
        #define NOINLINE __attribute__((noinline))
        extern "C" int puts(const char *);
        extern "C" int atoi(const char *);
        NOINLINE long start(long x) { return atoi("3") + x; }
        struct thing { long value; thing(long x) : value(start(x)) {} ~thing() { puts("gone"); } };
        FIRST
        thing global(7);
        NOINLINE long work(long x) { return x * 2 + global.value; }
        int main(int argc, char **argv) { return (int) work(argc); }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private static String code(final String first) {
        return CODE.replace("FIRST", first);
    }

    private void refuses(final String compiler, final String before, final String after) throws Exception {
        final CSources sources = CSources.pie(directory).with(compiler).change(before, after);
        final PatchRefusedException refusal =
                Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
        assertThat(refusal.reason()).isEqualTo(Refusal.CHANGED_CONSTRUCTOR);
        assertThat(refusal.subject()).isEqualTo("main.o");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "g++     | thing global(7);   | thing global(8);",
                "clang++ | thing global(7);   | thing global(8);",
                "g++     | thing global(7);   | thing global(7); thing fresh(9);",
                "clang++ | thing global(7);   | thing global(7); thing fresh(9);",
                "g++     | ~thing() {         | void end() {",
                "clang++ | ~thing() {         | void end() {"
            })
    void anotherInitialiserIsRefused(final String compiler, final String from, final String to) throws Exception {
        final String before = code("");
        assertThat(before).contains(from);
        final String after = before.replace(from, to).replace("x * 2", "x * 3");
        refuses(compiler, before, after);
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void aFirstVariableWithAConstructorIsRefused(final String compiler) throws Exception {
        final String without = code("").replace("thing global(7);", "struct { long value; } global;");
        refuses(compiler, without, code("").replace("x * 2", "x * 3"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"g++", "clang++"})
    void aConstructorThatIsGoneIsRefused(final String compiler) throws Exception {
        final String constructor = "__attribute__((constructor)) void early() { puts(\"early\"); }";
        refuses(compiler, code(constructor), code("").replace("x * 2", "x * 3"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aConstructorOfCThatDiffersOrIsGoneIsRefused(final String compiler) throws Exception {
        final String before = """
            #include <stdlib.h>
            int counter;
            __attribute__((constructor)) void early(void) { counter = rand() % 9; }
            __attribute__((noinline)) int work(int x) { return x * 2 + counter; }
            int main(int argc, char **argv) { return work(argc); }
            """;
        refuses(compiler, before, before.replace("% 9", "% 10"));
        refuses(
                compiler,
                before,
                before.replace("__attribute__((constructor))", "").replace("x * 2", "x * 3"));
    }

    @Test
    void initialisersThatOnlyGotAnotherNameAreTheSame() throws Exception {
        // gcc names the function by the first thing of the unit that others see.
        final String another = "NOINLINE long start(long); NOINLINE long another(long x) { return start(x) * 5; }\n";
        final String before = code("");
        final CSources sources = CSources.pie(directory)
                .with("g++")
                .change(
                        before,
                        before.replace("NOINLINE long start", another + "NOINLINE long start")
                                .replace("x * 2", "another(x)"));
        assertThat(sources.build().targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .contains("_Z7anotherl", "_Z4workl")
                .noneMatch(name -> name.startsWith("_GLOBAL__"));
    }
}

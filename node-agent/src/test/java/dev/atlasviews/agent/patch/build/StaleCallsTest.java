// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchFunction.OldBody;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A function may only be excluded if neither of its bodies leads, within its unit, to what the other build has differently. */
class StaleCallsTest {
    private static final String HEAD = """
        #include <unistd.h>
        #define NOINLINE __attribute__((noinline))
        extern volatile int rounds;
        int usleep(unsigned) __attribute__((cold)); // code that calls it is moved out of the way
        """;

    private static final String MAIN = """
        volatile int rounds = 5;
        void *serve(void *argument);
        int main(int count, char **arguments) { serve(arguments); return count; }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private Patch patch(final String compiler, final Map<String, String> before, final Map<String, String> after)
            throws Exception {
        final CSources sources = CSources.pie(directory.resolve(compiler)).with(compiler);
        return sources.compile(sources.before(), sources(before))
                .compile(sources.after(), sources(after))
                .link()
                .buildWithLibrary();
    }

    private static Map<String, String> sources(final Map<String, String> code) {
        final Map<String, String> sources = new LinkedHashMap<>(Map.of("main", MAIN));
        code.forEach((name, text) -> sources.put(name, HEAD + text));
        return sources;
    }

    private static @Nullable OldBody old(final Patch patch, final String name) {
        return patch.targets().getFirst().functions().stream()
                .filter(function -> function.name().equals(name))
                .findFirst()
                .map(PatchFunction::oldBody)
                .orElse(null);
    }

    private static @Nullable String notExcludable(final Patch patch) {
        return Objects.requireNonNull(old(patch, "serve")).notExcludable();
    }

    private static final String STATIC = """
        NOINLINE static long step(PARAMETERS) { return write(1, "x", 1) + BODY; }
        void *serve(void *argument) {
            sleep(0);
            for (long i = 0; i < rounds; i++) sleep(step(ARGUMENTS) > LIMIT);
            return argument;
        }
        """;

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aStaticFunctionWithOneParameterMore(final String compiler) throws Exception {
        final Patch patch = patch(
                compiler,
                Map.of(
                        "code",
                        STATIC.replace("PARAMETERS", "long x")
                                .replace("BODY", "x")
                                .replace("ARGUMENTS", "i")
                                .replace("LIMIT", "5")),
                Map.of(
                        "code",
                        STATIC.replace("PARAMETERS", "long x, long y")
                                .replace("BODY", "x * y")
                                .replace("ARGUMENTS", "i, i + rounds")
                                .replace("LIMIT", "5")));
        assertThat(notExcludable(patch)).contains("step");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aFunctionOfTheSameUnitThoughItsParametersStay(final String compiler) throws Exception {
        // What the caller keeps in registers over the call is what the old one did not use; it need not be static.
        final String code = """
            NOINLINE long step(long x) { return x * 3 + BODY; }
            void *serve(void *argument) {
                sleep(0);
                for (long i = 0; i < rounds; i++) sleep(step(i) > LIMIT);
                return argument;
            }
            """;
        final Patch patch = patch(
                compiler,
                Map.of("code", code.replace("BODY", "1").replace("LIMIT", "5")),
                Map.of("code", code.replace("BODY", "rounds").replace("LIMIT", "6")));
        assertThat(notExcludable(patch)).contains("step");
    }

    private static final String CALLER = """
        long step(PARAMETERS);
        void *serve(void *argument) {
            sleep(0);
            for (long i = 0; i < rounds; i++) sleep(step(ARGUMENTS) > LIMIT);
            return argument;
        }
        """;

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aFunctionOfAnotherUnitOnlyIfItsParametersChange(final String compiler) throws Exception {
        final String callee = "long step(PARAMETERS) { return x + write(1, \"TEXT\", 1); }";
        final Map<String, String> before = Map.of(
                "code",
                CALLER.replace("PARAMETERS", "long x").replace("ARGUMENTS", "i").replace("LIMIT", "5"),
                "other",
                callee.replace("PARAMETERS", "long x").replace("TEXT", "old"));
        final Map<String, String> same = Map.of(
                "code",
                CALLER.replace("PARAMETERS", "long x").replace("ARGUMENTS", "i").replace("LIMIT", "6"),
                "other",
                callee.replace("PARAMETERS", "long x").replace("TEXT", "new"));
        final Map<String, String> more = Map.of(
                "code",
                CALLER.replace("PARAMETERS", "long x, long y")
                        .replace("ARGUMENTS", "i, i")
                        .replace("LIMIT", "6"),
                "other",
                callee.replace("PARAMETERS", "long x, long y").replace("TEXT", "new"));
        assertThat(notExcludable(patch(compiler, before, same))).isNull();
        assertThat(notExcludable(patch(compiler, before, more))).contains("step", "parameters");
    }

    @Test
    void aFunctionThatChangesAlone() throws Exception {
        final String code = """
            NOINLINE static long step(long x) { return x + write(1, "x", 1); }
            void *serve(void *argument) {
                sleep(0);
                for (long i = 0; i < rounds; i++) sleep(step(i) > LIMIT);
                return argument;
            }
            """;
        final Patch patch =
                patch("gcc", Map.of("code", code.replace("LIMIT", "5")), Map.of("code", code.replace("LIMIT", "6")));
        assertThat(notExcludable(patch)).isNull();
    }

    private static final String BETWEEN = """
        NOINLINE static long step(long x) { return x * STEP + rounds; }
        NOINLINE static long between(long x) { sleep(1); return step(x) + 1; }
        void *serve(void *argument) {
            sleep(0);
            for (long i = 0; i < rounds; i++) sleep(CALL > LIMIT);
            return argument;
        }
        """;

    @Test
    void whatIsCalledByCodeThatOnlyOneSideHas() throws Exception {
        final String without = BETWEEN.replaceFirst("(?m)^.* between\\(long x\\).*\n", "");
        final Map<String, String> direct = Map.of(
                "code", without.replace("STEP", "3").replace("CALL", "i * 2").replace("LIMIT", "5"));
        final Map<String, String> indirect = Map.of(
                "code",
                BETWEEN.replace("STEP", "4").replace("CALL", "between(i)").replace("LIMIT", "6"));
        final String used = "long use(long x);\nNOINLINE long use(long x) { return step(x) - 1; }\n";
        final Patch more =
                patch("gcc", Map.of("code", direct.get("code") + used), Map.of("code", indirect.get("code") + used));
        assertThat(notExcludable(more)).contains("step");
        assertThat(old(more, "between")).as("it is new").isNull();
    }

    @Test
    void aThreadMayNotBeInCodeThatIsGoneAndCallsWhatIsReplaced() throws Exception {
        final String without = BETWEEN.replaceFirst("(?m)^.* between\\(long x\\).*\n", "");
        final String used = "long use(long x);\nNOINLINE long use(long x) { return step(x) - 1; }\n";
        final Patch less = patch(
                "clang",
                Map.of(
                        "code",
                        BETWEEN.replace("STEP", "4")
                                        .replace("CALL", "between(i)")
                                        .replace("LIMIT", "6")
                                + used),
                Map.of(
                        "code",
                        without.replace("STEP", "3").replace("CALL", "i * 2").replace("LIMIT", "5") + used));
        assertThat(notExcludable(less)).contains("step");
        final OldBody gone = Objects.requireNonNull(old(less, "between"));
        assertThat(gone.jumpOffset()).isEqualTo(OldBody.NO_JUMP);
        assertThat(gone.notExcludable())
                .as("nor stay in it when it is asked to")
                .contains("step");
    }

    @Test
    void whatIsReplacedBehindAFunctionThatStays() throws Exception {
        // The compiler knows which registers of its own each function of the chain leaves alone.
        final String code = BETWEEN.replace("CALL", "between(i)");
        final Patch patch = patch(
                "gcc",
                Map.of("code", code.replace("STEP", "3").replace("LIMIT", "5")),
                Map.of("code", code.replace("STEP", "4").replace("LIMIT", "6")));
        assertThat(old(patch, "between")).as("it stays").isNull();
        assertThat(notExcludable(patch)).contains("step", "between", "replaced as well");
    }

    @Test
    void whatIsBehindAnotherUnitIsOfNoConcern() throws Exception {
        final String code = """
            long outside(long x);
            long step(long x);
            NOINLINE long step(long x) { return x * STEP + rounds; }
            void *serve(void *argument) {
                sleep(0);
                for (long i = 0; i < rounds; i++) sleep(outside(i) > LIMIT);
                return argument;
            }
            """;
        final String other = "long step(long x);\nlong outside(long x) { return step(x) + 1; }\n";
        final Patch patch = patch(
                "gcc",
                Map.of("code", code.replace("STEP", "3").replace("LIMIT", "5"), "other", other),
                Map.of("code", code.replace("STEP", "4").replace("LIMIT", "6"), "other", other));
        assertThat(notExcludable(patch)).isNull();
    }

    private static final String RARE = """
        NOINLINE static long step(long x) { return x * STEP + rounds; }
        NOINLINE static long between(long x) {
            if (__builtin_expect(x > 40, 0)) { usleep(2); sleep(step(x)); sleep(3); return 8; }
            return sleep(1) + 1;
        }
        void *serve(void *argument) {
            sleep(0);
            for (long i = 0; i < rounds; i++) sleep(CALL > LIMIT);
            return argument;
        }
        """;

    @Test
    void whatIsCalledByAColdPart() throws Exception {
        // In "between" only what is moved out of the way calls what is replaced.
        final String used = "long use(long x);\nNOINLINE long use(long x) { return step(x) - 1; }\n";
        final String code = RARE + used;
        final Patch stays = patch(
                "gcc",
                Map.of(
                        "code",
                        code.replace("CALL", "between(i)").replace("STEP", "3").replace("LIMIT", "5")),
                Map.of(
                        "code",
                        code.replace("CALL", "between(i)").replace("STEP", "4").replace("LIMIT", "6")));
        assertThat(notExcludable(stays)).contains("step");
    }

    @Test
    void whatIsCalledByAColdPartThatOnlyOneSideHas() throws Exception {
        final String used = "long use(long x);\nNOINLINE long use(long x) { return step(x) - 1; }\n";
        final int start = RARE.indexOf("NOINLINE static long between");
        final String without = RARE.substring(0, start) + RARE.substring(RARE.indexOf("void *serve")) + used;
        final Patch more = patch(
                "gcc",
                Map.of(
                        "code",
                        without.replace("CALL", "i * 2").replace("STEP", "3").replace("LIMIT", "5")),
                Map.of(
                        "code",
                        (RARE + used)
                                .replace("CALL", "between(i)")
                                .replace("STEP", "4")
                                .replace("LIMIT", "6")));
        assertThat(more.targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .as("what the compiler makes of it")
                .contains("between.cold");
        assertThat(notExcludable(more)).contains("step");
    }

    @Test
    void aColdPartIsLikeItsFunction() throws Exception {
        final String code = """
            NOINLINE static long step(long x) { return x * STEP + rounds; }
            void *serve(void *argument) {
                for (long i = 0; i < rounds; i++) {
                    sleep(step(i) > LIMIT);
                    if (__builtin_expect(i > 40, 0)) { COLD }
                }
                return argument;
            }
            """;
        final String cold = "usleep(2); sleep(4); sleep(3);";
        final Patch both = patch(
                "gcc",
                Map.of("code", code.replace("STEP", "3").replace("LIMIT", "5").replace("COLD", cold)),
                Map.of("code", code.replace("STEP", "4").replace("LIMIT", "6").replace("COLD", cold)));
        assertThat(Objects.requireNonNull(old(both, "serve.cold")).notExcludable())
                .isNotNull()
                .isEqualTo(notExcludable(both));
        final Patch gone = patch(
                "gcc",
                Map.of("code", code.replace("STEP", "3").replace("LIMIT", "5").replace("COLD", cold)),
                Map.of("code", code.replace("STEP", "4").replace("LIMIT", "6").replace("COLD", "")));
        assertThat(Objects.requireNonNull(old(gone, "serve.cold")).notExcludable())
                .isNotNull()
                .isEqualTo(notExcludable(gone));
    }

    @Test
    void codeThatIsGoneMayHaveTwoNames() throws Exception {
        final String without = BETWEEN.replaceFirst("(?m)^.* between\\(long x\\).*\n", "");
        final String used = "long use(long x);\nNOINLINE long use(long x) { return step(x) - 1; }\n";
        final String alias = "long also(long x) __attribute__((alias(\"between\")));\n";
        final Patch less = patch(
                "gcc",
                Map.of(
                        "code",
                        BETWEEN.replace("STEP", "4")
                                        .replace("CALL", "between(i)")
                                        .replace("LIMIT", "6")
                                + used
                                + alias),
                Map.of(
                        "code",
                        without.replace("STEP", "3").replace("CALL", "i * 2").replace("LIMIT", "5") + used));
        assertThat(less.targets().getFirst().functions())
                .filteredOn(function -> function.newBody() == null)
                .extracting(PatchFunction::name)
                .containsAnyOf("between", "also")
                .hasSize(1);
    }
}

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

/** A function may only be excluded if neither of its bodies calls, directly, what the other build has differently. */
class StaleCallsTest {
    private static final String HEAD = """
        #include <unistd.h>
        #define NOINLINE __attribute__((noinline))
        extern volatile int rounds;
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
        assertThat(old(less, "between")).isNotNull().returns(OldBody.NO_JUMP, OldBody::jumpOffset);
    }
}

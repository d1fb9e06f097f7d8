// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Types whose layout differs are found in the debug information of either compiler. */
class TypeLayoutsTest {
    private static final String CODE = """
        #include <stdlib.h>
        enum color { RED, GREEN, COLORS };
        typedef struct { int a; short b; unsigned flag : 1; } anonymous;
        struct inner { long x; };
        struct node { struct node *next; struct inner in; int list[4]; union { int u; char c; }; anonymous *far; };
        __attribute__((noipa)) long work(struct node *n, anonymous *a, enum color c) {
            struct local { long y; } l = { .y = n->in.x };
            return l.y + a->a + (c == GREEN) + n->list[1] CHANGE;
        }
        int main(int argc, char **argv) {
            anonymous a = { argc };
            struct node n = { .in = { argc } };
            return (int) work(&n, &a, GREEN);
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private CSources changed(final String compiler, final String version, final String from, final String to)
            throws Exception {
        final String before = CODE.replace("CHANGE", "");
        final String after = CODE.replace("CHANGE", "+ 5").replace(from, to);
        assertThat(before).contains(from);
        return CSources.pie(directory, version).with(compiler).change(before, after);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "node      | struct node *next;  | struct node *next, *previous;",
                "node      | int list[4];        | int list[5];",
                "node      | union { int u;      | union { long u;",
                "inner     | struct inner { long | struct inner { char small; long",
                "anonymous | short b;            | char b, d;",
                "anonymous | flag : 1;           | flag : 2;",
                "color     | RED, GREEN,         | RED, BLUE, GREEN,"
            })
    void aChangedTypeIsRefused(final String type, final String from, final String to) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            for (final String version : List.of("-gdwarf-4", "-gdwarf-5")) {
                final CSources sources = changed(compiler, version, from, to);
                assertThatThrownBy(sources::build)
                        .as("%s %s", compiler, version)
                        .hasMessageContaining("CHANGED_TYPE")
                        .hasMessageContaining(type);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "struct local { long y; } | struct local { long z, y; }",
                "COLORS };                | BLUE, COLORS };",
                "struct inner { long x; } | struct fresh { int f; }; struct inner { long x; }",
                "anonymous *far;          | struct inner *far;"
            })
    void whatLiesAsBeforeIsTaken(final String from, final String to) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            assertThat(changed(compiler, "-gdwarf-5", from, to).build().targets())
                    .as(compiler)
                    .isNotEmpty();
        }
    }

    @Test
    void theAuthorMayAllowAType() throws Exception {
        final CSources sources = changed("gcc", "-g", "struct inner { long", "struct inner { char small; long");
        assertThat(sources.buildFile(new BuildOptions(List.of(), List.of(), false, Set.of("inner", "node"))))
                .isNotEmpty();
    }

    @Test
    void withoutDebugInformationOnlyTheAuthorKnows() throws Exception {
        final CSources sources = changed("gcc", "-g0", "long", "long");
        assertThatThrownBy(sources::build).hasMessageContaining("NO_TYPE_INFORMATION");
        assertThat(sources.buildFile(new BuildOptions(List.of(), List.of(), false, Set.of(BuildOptions.ALL_TYPES))))
                .isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "gcc, -g1",
        "gcc, -gsplit-dwarf -gdwarf-4",
        "gcc, -gsplit-dwarf -gdwarf-5",
        "g++, -fdebug-types-section -gdwarf-4",
        "g++, -fdebug-types-section -gdwarf-5",
        "clang, -gline-tables-only",
        "clang, -gsplit-dwarf -gdwarf-4",
        "clang++, -fdebug-types-section -gdwarf-4"
    })
    void debugInformationThatTellsNoTypesIsNone(final String compiler, final String flags) throws Exception {
        final String before = CODE.replace("CHANGE", "");
        final CSources sources = CSources.pie(directory, flags.split(" "))
                .with(compiler)
                .change(before, CODE.replace("CHANGE", "+ 5").replace("int list[4];", "int list[5];"));
        assertThatThrownBy(sources::build).hasMessageContaining("NO_TYPE_INFORMATION");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void aUnitWithoutTypesIsTaken(final String compiler) throws Exception {
        final String code = """
            void other(void);
            __attribute__((noinline)) void work(void) { other(); other();CHANGE }
            __attribute__((noinline)) void other(void) { asm volatile("nop;nop;nop;nop;nop;nop"); }
            void start(void) { work(); work(); }
            """;
        final CSources sources = CSources.pie(directory).with(compiler);
        final String main = "void start(void); int main(void) { start(); return 0; }";
        sources.compile(sources.before(), Map.of("main", main, "work", code.replace("CHANGE", "")))
                .compile(sources.after(), Map.of("main", main, "work", code.replace("CHANGE", " other();")))
                .link();
        assertThat(sources.build().targets()).isNotEmpty();
    }
}

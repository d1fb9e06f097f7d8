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
        typedef int item;
        typedef int number;
        typedef char key[8];
        typedef int local_item;
        struct list { item *items; };
        struct list *lists;
        number *numbers;
        key *keys[2];
        typedef struct { int a; short b; unsigned flag : 1; } anonymous;
        struct inner { long x; };
        struct node { struct node *next; struct inner in; int list[4]; union { int u; char c; }; anonymous *far; };
        __attribute__((noipa)) long work(struct node *n, anonymous *a, enum color c) {
            struct local { long y; } l = { .y = n->in.x };
            local_item i = a->a;
            l.y += i + lists->items[1] + numbers[1] + keys[1][2][3];
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
                "color     | RED, GREEN,         | RED, BLUE, GREEN,",
                "inner     | struct inner { long | struct inner { double",
                "item      | typedef int item;   | typedef long item;",
                "number    | typedef int number; | typedef float number;",
                "key       | typedef char key[8] | typedef char key[16]"
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
                "anonymous *far;          | struct inner *far;",
                "typedef int local_item;  | typedef long local_item;",
                "struct inner { long      | struct inner { const volatile unsigned long"
            })
    void whatLiesAsBeforeIsTaken(final String from, final String to) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            assertThat(changed(compiler, "-gdwarf-5", from, to).build().targets())
                    .as(compiler)
                    .isNotEmpty();
        }
    }

    private CSources variable(final String compiler, final String version, final String before, final String after)
            throws Exception {
        final String code = """
            struct pair { int a, b; };
            struct twin { int a, b; };
            struct half { long a; };
            VARIABLE;
            __attribute__((noipa)) long work(long x) {
                VARIABLE_OF_FUNCTION;
                return (long) (kept CHANGE) + (long) (held CHANGE);
            }
            void set(void *p) { __builtin_memcpy(p, &kept, sizeof kept); __builtin_memset(&kept, 1, sizeof kept); work(1); }
            int main(int argc, char **argv) { set(argv); return (int) work(argc); }
            """.replace("(kept CHANGE)", "*(long *) &kept CHANGE")
                .replace("(held CHANGE)", "*(long *) &held CHANGE");
        return CSources.pie(directory, version)
                .with(compiler)
                .change(
                        code.replace("VARIABLE_OF_FUNCTION", "static " + before.replace("kept", "held"))
                                .replace("VARIABLE", before)
                                .replace("CHANGE", ""),
                        code.replace("VARIABLE_OF_FUNCTION", "static " + after.replace("kept", "held"))
                                .replace("VARIABLE", after)
                                .replace("CHANGE", "+ 5"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "long kept            | double kept",
                "int kept[2]          | long kept",
                "struct pair kept     | struct half kept",
                "struct pair kept[2]  | struct { int *a; } kept[2]"
            })
    void anExistingVariableIsNotTakenForAnother(final String before, final String after) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            for (final String version : List.of("-gdwarf-4", "-gdwarf-5")) {
                assertThatThrownBy(variable(compiler, version, before, after)::build)
                        .as("%s %s", compiler, version)
                        .hasMessageContaining("CHANGED_VARIABLE")
                        .hasMessageContaining("of another type");
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "int *kept        | long *kept          | long       | int *",
                "long kept        | unsigned long kept  | unsigned   | long",
                "struct pair kept | struct twin kept    | struct twin | struct pair",
                "long (*kept)(int)| long (*kept)(int *) | (int *)    | (int)",
                "long kept[2]     | long *kept[2]       | * [2]      | [2]"
            })
    void anotherTypeOfAnExistingVariableIsSaid(
            final String before, final String after, final String now, final String then) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            assertThat(variable(compiler, "-gdwarf-5", before, after).build().warnings())
                    .as(compiler)
                    .anySatisfy(
                            warning -> assertThat(warning).contains("existing variable kept", now, ", before ", then));
        }
    }

    @Test
    void whatDiffersWithoutAnotherLayoutIsSaid() throws Exception {
        final CSources sources = changed("gcc", "-g", "anonymous *far;", "struct inner *far;");
        assertThat(sources.build().warnings())
                .containsExactly("node: the member far is struct inner * now, before anonymous *");
        final CSources others = changed("gcc", "-g", "typedef int local_item;", "typedef long local_item;");
        assertThat(others.build().warnings()).containsExactly("local_item is long int now, before int");
        final CSources same =
                changed("gcc", "-g", "struct inner { long", "typedef long number_of; struct inner { number_of");
        assertThat(same.build().warnings()).isEmpty();
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

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of all the objects of a build, those that are in the program are found, and named by the program. */
class ChangedUnitsTest {
    private static final String PARSE = "long __attribute__((noipa)) parse(long x) { return x * 3; }";
    private static final String CALLS_PARSE =
            "long parse(long); int main(int argc, char **argv) { return (int) parse(argc); }";
    private static final String REST = "long __attribute__((noipa)) rest(long x) { return x * 5 + 1; }";
    private static final String REST_AND_PARSE_CHANGED = REST.replace("+ 1", "+ 2") + PARSE.replace("* 3", "* 4");
    private static final String MAIN = "long work(long); int main(int argc, char **argv) { return (int) work(argc); }";
    private static final String WORK = """
        static long __attribute__((noipa)) helper(long x) { return x * 5 + FACTOR; }
        long __attribute__((noipa)) work(long x) { return helper(x) CHANGE; }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private CSources sources;

    @BeforeEach
    void compile() throws Exception {
        sources = CSources.pie(directory);
        sources.compile(sources.before(), Map.of("main", MAIN, "work", before("1")))
                .compile(sources.after(), Map.of("main", MAIN, "work", after("1")))
                .link();
    }

    private static String before(final String factor) {
        return WORK.replace("FACTOR", factor).replace("CHANGE", "");
    }

    private static String after(final String factor) {
        return WORK.replace("FACTOR", factor).replace("CHANGE", "+ 77");
    }

    private static List<String> units(final Patch patch) {
        return patch.targets().getFirst().units();
    }

    @Test
    void aUnitIsNamedByItsSourceFileWhereverTheObjectsLie() throws Exception {
        final Patch patch = sources.build();
        assertThat(units(patch)).containsExactly("work.c");
        final Path other = directory.resolve("deep/er");
        Files.createDirectories(other);
        for (final String side : List.of("before", "after")) {
            Files.move(directory.resolve(side), other.resolve(side));
        }
        final byte[] moved = PatchBuilder.build(
                ObjectPair.find(other.resolve("before"), other.resolve("after")), sources.target(), BuildOptions.NONE);
        assertThat(PatchReader.read(moved).digest()).isEqualTo(patch.digest());
    }

    @Test
    void objectsOfOtherProgramsAreLeftOut() throws Exception {
        sources.compile(sources.before(), Map.of("tool", "int tool = 1; int f(void) { return tool; }"))
                .compile(sources.after(), Map.of("tool", "int tool = 2; int f(void) { return tool + 1; }"));
        assertThat(units(sources.build())).containsExactly("work.c");
    }

    @Test
    void theSameSourceForAnotherProgramIsLeftOut() throws Exception {
        sources.compile(sources.before(), Map.of("static/work", before("2")))
                .compile(sources.after(), Map.of("static/work", after("2")));
        assertThat(sources.build().targets().getFirst().functions()).hasSize(1);
    }

    @Test
    void anObjectThatIsNotTheRunningCodeIsRefusedWhereNoOtherIs() throws Exception {
        sources.compile(sources.before(), Map.of("work", before("3")))
                .compile(sources.after(), Map.of("work", after("3")));
        assertThatThrownBy(sources::build).hasMessageContaining("NOT_THE_RUNNING_CODE");
    }

    @Test
    void twoThatWereOneAndAreNotAreRefused() throws Exception {
        sources.compile(sources.before(), Map.of("other/work", before("1")))
                .compile(sources.after(), Map.of("other/work", after("1").replace("77", "78")));
        assertThatThrownBy(sources::build)
                .hasMessageContaining("AMBIGUOUS_SYMBOL")
                .hasMessageContaining("work.c");
    }

    @Test
    void aChangeOfOtherProgramsOnlyIsNoPatch() throws Exception {
        sources.compile(sources.after(), Map.of("work", before("1")))
                .compile(sources.before(), Map.of("tool", "int f(void) { return 1; }"))
                .compile(sources.after(), Map.of("tool", "int f(void) { return 2; }"));
        assertThatThrownBy(sources::build).hasMessageContaining("NOT_LINKED").hasMessageContaining("tool.o");
    }

    @Test
    void twoSourceFilesOfOneNameAreTwoUnits() throws Exception {
        final String main = "long work(long); long more(long); int main(int c, char **v) { return work(c) + more(c); }";
        final String more = before("8").replace("work", "more");
        final CSources twice = CSources.pie(directory.resolve("twice"));
        twice.compile(twice.before(), Map.of("main", main, "a/x", before("1"), "b/x", more))
                .compile(
                        twice.after(),
                        Map.of(
                                "main",
                                main,
                                "a/x",
                                after("1"),
                                "b/x",
                                after("8").replace("work", "more")))
                .link();
        assertThat(units(twice.build()))
                .hasSize(2)
                .doesNotHaveDuplicates()
                .allMatch(unit -> unit.matches("x\\.c@[0-9a-f]+"));
    }

    @Test
    void aChangedLibraryIsATarget() throws Exception {
        final CSources library = CSources.library(directory.resolve("library"));
        library.compile(library.before(), Map.of("work", before("1")))
                .compile(library.after(), Map.of("work", after("1")))
                .link();
        final Patch patch = PatchReader.read(PatchBuilder.build(
                ObjectPair.find(library.before(), library.after()),
                TargetProgram.of("libwork.so", ElfFile.read(library.program()), null),
                BuildOptions.NONE));
        assertThat(patch.targets().getFirst().functions()).hasSize(1);
    }

    @Test
    void aFunctionThatMovesAndChangesIsRefused() throws Exception {
        final CSources moved = CSources.pie(directory.resolve("moved"));
        moved.compile(moved.before(), Map.of("main", CALLS_PARSE, "from", PARSE, "to", REST))
                .compile(moved.after(), Map.of("main", CALLS_PARSE, "from", "int left;", "to", REST_AND_PARSE_CHANGED))
                .link();
        assertThatThrownBy(moved::build)
                .as("who calls it calls the one that it was")
                .hasMessageContaining("AMBIGUOUS_SYMBOL")
                .hasMessageContaining("parse")
                .hasMessageContaining("to.c");
    }

    @Test
    void aFunctionThatTakesThePlaceOfAWeakOneIsRefused() throws Exception {
        final CSources weak = CSources.pie(directory.resolve("weak"));
        weak.compile(weak.before(), Map.of("main", CALLS_PARSE, "weak", "__attribute__((weak)) " + PARSE, "to", REST))
                .compile(
                        weak.after(),
                        Map.of(
                                "main", CALLS_PARSE,
                                "weak", "__attribute__((weak)) " + PARSE,
                                "to", REST_AND_PARSE_CHANGED))
                .link();
        assertThatThrownBy(weak::build).hasMessageContaining("AMBIGUOUS_SYMBOL").hasMessageContaining("parse");
    }

    @Test
    void aSourceFileThatIsRenamedIsRefused() throws Exception {
        sources.compile(sources.after(), Map.of("calc", after("1")));
        assertThatThrownBy(sources::build)
                .as("beside the object of the old name")
                .hasMessageContaining("MISSING_OBJECT")
                .hasMessageContaining("calc.o");
        Files.delete(sources.after().resolve("calc.o"));
        Files.delete(sources.after().resolve("work.o"));
        assertThatThrownBy(sources::build)
                .hasMessageContaining("MISSING_OBJECT")
                .hasMessageContaining("work.o");
    }

    @Test
    void newObjectsAndThoseOfOtherProgramsMayBeOnOneSide() throws Exception {
        sources.compile(sources.before(), Map.of("gone", "int gone(void) { return 1; }"))
                .compile(
                        sources.after(),
                        Map.of("test", MAIN + " static long helper(void) { return 1; } long test = (long) helper;"));
        assertThat(units(sources.build())).containsExactly("work.c");
    }

    @Test
    void objectsOfOtherMachinesAreLeftOut() throws Exception {
        for (final Path side : List.of(sources.before(), sources.after())) {
            Files.writeString(side.resolve("small.c"), "int small(void) { return " + side.getNameCount() + "; }");
        }
        CSources.run(sources.before(), List.of("gcc", "-m32", "-c", "-o", "small.o", "small.c"));
        CSources.run(sources.after(), List.of("gcc", "-m32", "-O2", "-c", "-o", "small.o", "small.c"));
        assertThat(units(sources.build())).containsExactly("work.c");
    }

    @Test
    void bitcodeIsNoFinalCode() throws Exception {
        CSources.run(sources.before(), List.of("clang", "-flto", "-c", "-o", "work.o", "work.c"));
        CSources.run(sources.after(), List.of("clang", "-flto", "-c", "-o", "work.o", "work.c"));
        assertThatThrownBy(sources::build).hasMessageContaining("LTO_OBJECT").hasMessageContaining("work.o");
    }
}

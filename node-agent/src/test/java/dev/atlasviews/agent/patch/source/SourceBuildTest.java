// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.cli.Atlas;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code atlas build --source}: trees of several build systems, changes of several kinds. */
class SourceBuildTest {
    private static final String WORK = "#include \"work.h\"\nlong work(long x)\n{\n\treturn x * 3;\n}\n";
    private static final String MAIN =
            "#include \"work.h\"\nint main(int argc, char **argv)\n{\n\treturn (int)work(argc);\n}\n";
    private static final String HEADER = "long work(long x) __attribute__((noipa));\n";
    private static final String WORK_GOES = """
        --- a/work.c
        +++ /dev/null
        @@ -1,5 +0,0 @@
        -#include "work.h"
        -long work(long x)
        -{
        -	return x * 3;
        -}
        """;
    private static final String CHANGE = """
        --- a/work.c
        +++ b/work.c
        @@ -1,5 +1,5 @@
         #include "work.h"
         long work(long x)
         {
        -	return x * 3;
        +	return x * 5 + 1;
         }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private Path tree;
    private Path change;
    private final StringWriter errors = new StringWriter();

    @BeforeEach
    void write() throws Exception {
        tree = directory.resolve("tree");
        Files.createDirectories(tree);
        Files.writeString(tree.resolve("work.c"), WORK);
        Files.writeString(tree.resolve("main.c"), MAIN);
        Files.writeString(tree.resolve("work.h"), HEADER);
        change = Files.writeString(directory.resolve("fix.patch"), CHANGE);
    }

    private void makefile(final String... lines) throws Exception {
        Files.writeString(tree.resolve("Makefile"), String.join("\n", lines).replace("    ", "\t") + "\n");
    }

    private int run(final String... more) {
        final List<String> arguments = new ArrayList<>(List.of("build", "--source", tree.toString()));
        arguments.addAll(List.of(more));
        arguments.addAll(List.of("-o", directory.resolve("fix.atlas").toString()));
        final CommandLine line = Atlas.commandLine();
        line.setErr(new PrintWriter(errors, true)).setOut(new PrintWriter(new StringWriter(), true));
        return line.execute(arguments.toArray(String[]::new));
    }

    private Patch built(final String... more) throws Exception {
        assertThat(run(more)).as(errors.toString()).isZero();
        return PatchReader.read(directory.resolve("fix.atlas"));
    }

    private static void assertThatItReplacesWork(final Patch patch) {
        assertThat(patch.targets().getFirst().functions())
                .extracting(PatchFunction::name)
                .containsExactly("work");
    }

    @Test
    void aMakefileIsBuiltTwice() throws Exception {
        makefile(
                "CFLAGS = -O2", "program: main.o work.o", "    $(CC) -Wl,--build-id -o $@ $^", "main.o work.o: work.h");
        final Patch patch = built("--patch", change.toString(), "--built-target", "program");
        assertThatItReplacesWork(patch);
        assertThat(tree.resolve("program")).doesNotExist();
        assertThat(Files.readString(tree.resolve("work.c"))).isEqualTo(WORK);
    }

    @Test
    void sourcesThatAreCompiledAndLinkedInOneGoAreSeen() throws Exception {
        makefile("program: main.c work.c work.h", "    gcc -O2 -Wl,--build-id -o program main.c work.c");
        assertThatItReplacesWork(built("--patch", change.toString(), "--built-target", "program"));
    }

    @Test
    void objectsThatABuildDeletesAreSeen() throws Exception {
        final String build =
                "cc -O2 -c work.c main.c && cc -Wl,--build-id work.o main.o -o program && rm work.o main.o";
        assertThatItReplacesWork(built("--build", build, "--patch", change.toString(), "--built-target", "program"));
    }

    @Test
    void aSourceOfTwoProgramsIsThatOfEach() throws Exception {
        final String build = "gcc -O2 -Wl,--build-id -o program main.c work.c"
                + " && gcc -O2 -Dwork=other -Wl,--build-id -o second main.c work.c";
        assertThatItReplacesWork(built("--build", build, "--patch", change.toString(), "--built-target", "program"));
    }

    @Test
    void aSourceMayBeCalledAsItLikes() throws Exception {
        final String build = "cp work.c work.inc && gcc -O2 -x c -c work.inc -o work.o && gcc -O2 -c main.c"
                + " && gcc -Wl,--build-id -o program work.o main.o";
        assertThatItReplacesWork(built("--build", build, "--patch", change.toString(), "--built-target", "program"));
    }

    @Test
    void whatIsNotUnderstoodIsSaid() throws Exception {
        final String build =
                "echo work.c > words && gcc -O2 -c main.c && gcc -O2 -Wl,--build-id -o program main.o @words";
        assertThat(run("--build", build, "--patch", change.toString(), "--built-target", "program"))
                .isNotZero();
        assertThat(errors.toString()).contains("is not seen").contains("@words");
    }

    @Test
    void debugInformationTellsTypesWhateverTheBuildWants() throws Exception {
        final String build = "gcc -g1 -O2 -c main.c work.c && gcc -Wl,--build-id -o program main.o work.o";
        assertThatItReplacesWork(built("--build", build, "--patch", change.toString(), "--built-target", "program"));
    }

    @Test
    void aSourceFileThatIsRenamedIsRefused() throws Exception {
        makefile("CFLAGS = -O2", "program: $(patsubst %.c,%.o,$(wildcard *.c))", "    $(CC) -Wl,--build-id -o $@ $^");
        Files.writeString(change, WORK_GOES + """
            --- /dev/null
            +++ b/calc.c
            @@ -0,0 +1,5 @@
            +#include "work.h"
            +long __attribute__((visibility("default"))) work(long x)
            +{
            +	return x * 5;
            +}
            """);
        assertThat(run("--patch", change.toString(), "--built-target", "program"))
                .isNotZero();
        assertThat(errors.toString()).contains("MISSING_OBJECT").contains("the program has its work");
    }

    @Test
    void anObjectWhoseSourceIsGoneIsNotTakenForOneThatDidNotChange() throws Exception {
        makefile("CFLAGS = -O2", "program: $(patsubst %.c,%.o,$(wildcard *.c))", "    $(CC) -Wl,--build-id -o $@ $^");
        Files.writeString(change, WORK_GOES + """
            --- a/main.c
            +++ b/main.c
            @@ -1,5 +1,6 @@
             #include "work.h"
            +static long __attribute__((noipa)) calc(long x) { return x * 5; }
             int main(int argc, char **argv)
             {
            -	return (int)work(argc);
            +	return (int)calc(argc);
             }
            """);
        assertThat(run("--patch", change.toString(), "--built-target", "program"))
                .isNotZero();
        assertThat(errors.toString()).contains("MISSING_OBJECT").contains("work.o");
    }

    @Test
    void whereItIsBuiltMakesNoDifference() throws Exception {
        // As CMake does it: sources by their absolute paths, so that __FILE__ is one.
        Files.writeString(
                tree.resolve("work.c"),
                "#include \"work.h\"\nint puts(const char *);\n"
                        + WORK.substring(WORK.indexOf("long")).replace("return", "puts(__FILE__);\n\treturn"));
        Files.writeString(change, """
            --- a/work.c
            +++ b/work.c
            @@ -4,4 +4,4 @@
             {
             	puts(__FILE__);
            -	return x * 3;
            +	return x * 5 + 1;
             }
            """);
        makefile(
                "program: main.o work.o",
                "    $(CC) -Wl,--build-id -o $@ $^",
                "%.o: %.c work.h",
                "    $(CC) -O2 -c -o $(CURDIR)/$@ $(CURDIR)/$<");
        final List<String> digests = new ArrayList<>();
        for (final String work : List.of("here", "some/where/else")) {
            digests.add(built(
                            "--patch",
                            change.toString(),
                            "--built-target",
                            "program",
                            "--work",
                            directory.resolve(work).toString())
                    .digest());
        }
        assertThat(digests.getFirst()).isEqualTo(digests.getLast());
    }

    @Test
    void theRunningProgramMayBeAnother() throws Exception {
        makefile(
                "CFLAGS = -O2", "program: main.o work.o", "    $(CC) -Wl,--build-id -o $@ $^", "main.o work.o: work.h");
        assertThat(new ProcessBuilder("make", "-C", tree.toString(), "CC=cc -ffunction-sections -fdata-sections")
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor())
                .isZero();
        final Path deployed = Files.move(tree.resolve("program"), directory.resolve("deployed"));
        assertThatItReplacesWork(
                built("--patch", change.toString(), "--target", deployed.toString(), "--build", "make -B"));
    }

    @Test
    void aFixAmongDebiansPatchesIsTakenBackFirst() throws Exception {
        debianPackage();
        final Path own = tree.resolve("debian/patches/fix.patch");
        final Patch patch = built("--patch", own.toString(), "--built-target", "program");
        assertThatItReplacesWork(patch);
    }

    @Test
    void aFixThatLaterPatchesBuildOnIsBuiltWithoutThem() throws Exception {
        debianPackage();
        final String second = CHANGE.replace("-\treturn x * 3;", "-\treturn x * 5 + 1;")
                .replace("+\treturn x * 5 + 1;", "+\treturn x * 7 + 1;");
        Files.writeString(tree.resolve("debian/patches/second.patch"), second);
        Files.writeString(tree.resolve("debian/patches/series"), "fix.patch\nsecond.patch # a later one\n");
        final Path own = tree.resolve("debian/patches/fix.patch");
        assertThatItReplacesWork(built("--patch", own.toString(), "--built-target", "program"));
        assertThat(errors.toString()).contains("later patches build on this one");
    }

    /** A package in format 3.0 (quilt) with one patch that is not applied yet, built by dpkg-buildpackage. */
    private void debianPackage() throws Exception {
        final Path debian = tree.resolve("debian");
        Files.createDirectories(debian.resolve("source"));
        Files.createDirectories(debian.resolve("patches"));
        Files.writeString(debian.resolve("source/format"), "3.0 (quilt)\n");
        Files.writeString(debian.resolve("patches/fix.patch"), CHANGE);
        Files.writeString(debian.resolve("patches/series"), "fix.patch\n");
        Files.writeString(debian.resolve("changelog"), """
            work (1.0-1) unstable; urgency=low

              * A package.

             -- Nobody <nobody@example.org>  Thu, 01 Jan 2026 00:00:00 +0000
            """);
        Files.writeString(debian.resolve("control"), """
            Source: work
            Maintainer: Nobody <nobody@example.org>
            Standards-Version: 4.6.2

            Package: work
            Architecture: any
            Description: works
            """);
        Files.writeString(debian.resolve("rules"), """
            #!/usr/bin/make -f
            -include /usr/share/dpkg/buildflags.mk
            build-arch:
            	gcc $(CFLAGS) -c work.c main.c
            	gcc $(LDFLAGS) -Wl,--build-id -o program work.o main.o
            build: build-arch
            clean:
            	rm -f *.o program
            binary: build
            """);
        assertThat(debian.resolve("rules").toFile().setExecutable(true)).isTrue();
    }

    @Test
    void aBuildThatFailsSaysWhy() throws Exception {
        makefile("program: main.c", "    cc -c nothing.c");
        assertThat(run("--patch", change.toString(), "--built-target", "program"))
                .isEqualTo(Atlas.FAILED);
        assertThat(errors.toString()).contains("the build failed").contains("nothing.c");
    }

    @Test
    void aChangeThatDoesNotApplySaysWhy() throws Exception {
        makefile("program: main.o work.o", "    $(CC) -o $@ $^");
        Files.writeString(change, CHANGE.replace("x * 3", "x * 4"));
        assertThat(run("--patch", change.toString(), "--built-target", "program"))
                .isEqualTo(Atlas.FAILED);
        assertThat(errors.toString()).contains("applying").contains("FAILED");
    }

    @Test
    void anUnknownTreeWantsACommand() {
        assertThat(run("--patch", change.toString(), "--built-target", "program"))
                .isEqualTo(Atlas.USAGE);
        assertThat(errors.toString()).contains("give --build");
    }

    @Test
    void twoWaysAtOnceAreWrong() {
        assertThat(run("--before", "x", "--patch", change.toString(), "--built-target", "program"))
                .isEqualTo(Atlas.USAGE);
    }
}

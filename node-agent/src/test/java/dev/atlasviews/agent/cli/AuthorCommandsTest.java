// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What an author does with a patch after it was built: look into it, sign it, and have it verified. */
class AuthorCommandsTest {
    private static final String CODE = """
        long __attribute__((noipa)) work(long x) { return x > 4 ? x * 3 : x; }
        int main(int argc, char **argv) { return (int)work(argc); }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private Path program;
    private Path patch;
    private final StringWriter out = new StringWriter();
    private final StringWriter errors = new StringWriter();

    private int atlas(final String... arguments) {
        final CommandLine line = Atlas.commandLine();
        return line.setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(errors, true))
                .execute(arguments);
    }

    @BeforeEach
    void build() throws Exception {
        final String[] flags = {"-g", "-ffunction-sections", "-fdata-sections", "-c", "-o"};
        for (final String side : new String[] {"before", "after"}) {
            Files.createDirectories(directory.resolve(side));
            final String code = side.equals("before") ? CODE : CODE.replace("x > 4", "x > 5");
            CProgram.compile(directory.resolve(side), "work", code, flags[0], flags[1], flags[2], flags[3]);
            Files.move(
                    directory.resolve(side).resolve("work"),
                    directory.resolve(side).resolve("work.o"));
        }
        program = directory.resolve("program");
        assertThat(new ProcessBuilder(
                                "gcc",
                                "-Wl,--build-id",
                                "-o",
                                program.toString(),
                                directory.resolve("before/work.o").toString())
                        .start()
                        .waitFor())
                .isZero();
        patch = directory.resolve("fix.atlas");
        assertThat(atlas(
                        "build",
                        "--before",
                        directory.resolve("before").toString(),
                        "--after",
                        directory.resolve("after").toString(),
                        "--target",
                        program.toString(),
                        "-o",
                        patch.toString()))
                .as(errors.toString())
                .isZero();
    }

    @Test
    void aChangeThatIsInTwoProgramsGivesAPatchForEach() throws Exception {
        final Path other = directory.resolve("other");
        assertThat(new ProcessBuilder(
                                "gcc",
                                "-Wl,--build-id,-z,now",
                                "-o",
                                other.toString(),
                                directory.resolve("before/work.o").toString())
                        .start()
                        .waitFor())
                .isZero();
        final Path patches = directory.resolve("patches");
        final String[] build = {
            "build",
            "--before",
            directory.resolve("before").toString(),
            "--after",
            directory.resolve("after").toString(),
            "--target",
            program.toString(),
            "--target",
            other.toString(),
            "-o",
            patches.toString()
        };
        assertThat(atlas(build)).as(errors.toString()).isZero();
        assertThat(patches.resolve("program.atlas")).hasSameBinaryContentAs(patch);
        assertThat(atlas(
                        "inspect",
                        "--program",
                        other.toString(),
                        patches.resolve("other.atlas").toString()))
                .as(errors.toString())
                .isZero();

        Files.createDirectories(directory.resolve("same"));
        Files.copy(program, directory.resolve("same/program"));
        build[8] = directory.resolve("same/program").toString();
        assertThat(atlas(build)).isNotZero();
        assertThat(errors.toString()).contains("different names");
    }

    @Test
    void inspectShowsHowTheInstructionsDiffer() {
        assertThat(atlas("inspect", "--program", program.toString(), patch.toString()))
                .as(errors.toString())
                .isZero();
        assertThat(out.toString())
                .contains("--- work (program)", "+++ work (patch)")
                .containsPattern("(?m)^- +[0-9a-f]+: cmp +\\$0x4,%rdi$")
                .containsPattern("(?m)^\\+ +[0-9a-f]+: cmp +\\$0x5,%rdi$");
        // One instruction differs, so that one line goes and one comes.
        assertThat(out.toString().lines().filter(line -> line.matches("[-+][^-+].*")))
                .hasSize(2);
    }

    @Test
    void withoutADisassemblerInspectShowsTheRest() {
        assertThat(atlas("inspect", "--program", program.toString(), "--objdump", "/nowhere/objdump", patch.toString()))
                .isZero();
        assertThat(out.toString()).contains("work").contains("replaced");
        assertThat(errors.toString()).contains("there is no /nowhere/objdump");
    }

    @Test
    void inspectSaysWhichProgramThePatchIsFor() {
        assertThat(atlas("inspect", "--program", "/bin/true", patch.toString())).isEqualTo(Atlas.FAILED);
        assertThat(errors.toString()).contains("not for /bin/true");
    }

    @Test
    void aPatchIsSignedAndVerified() throws Exception {
        final String key = directory.resolve("key").toString();
        assertThat(atlas("key", key)).isZero();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(key))))
                .isEqualTo("rw-------");
        assertThat(atlas("sign", "--key", key, "--expires-in", "P1D", patch.toString()))
                .as(errors.toString())
                .isZero();
        assertThat(atlas("verify", "--key", key + ".pub", patch.toString())).isZero();
        assertThat(out.toString()).contains("verified   sha256:");

        final byte[] content = Files.readAllBytes(patch);
        content[content.length - 1] ^= 1;
        Files.write(patch, content);
        assertThat(atlas("verify", "--key", key + ".pub", patch.toString())).isNotZero();
    }

    @Test
    void aKeyIsNeverOverwritten() {
        final String key = directory.resolve("key").toString();
        assertThat(atlas("key", key)).isZero();
        assertThat(atlas("key", key)).isEqualTo(Atlas.FAILED);
    }

    @Test
    void aKeyOfAnotherIsNotTrusted() {
        final String one = directory.resolve("one").toString();
        final String other = directory.resolve("other").toString();
        assertThat(atlas("key", one)).isZero();
        assertThat(atlas("key", other)).isZero();
        assertThat(atlas("sign", "--key", one, patch.toString())).isZero();
        assertThat(atlas("verify", "--key", other + ".pub", patch.toString())).isEqualTo(Atlas.REFUSED);
        assertThat(errors.toString()).contains("not trusted");
        assertThat(atlas("sign", "--key", one, "--public-key", other + ".pub", patch.toString()))
                .isEqualTo(Atlas.FAILED);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.CProgram;
import dev.atlasviews.agent.elf.ElfFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where debug files of stripped programs are looked for. */
class DebugFilesTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private Path program;
    private Path debug;
    private Path root;

    /** A stripped program in a folder of its own, whose debug file is nowhere yet. */
    @BeforeEach
    void strip() throws Exception {
        directory = directory.toRealPath();
        final Path folder = Files.createDirectories(directory.resolve("sbin"));
        program = CProgram.compile(folder, "program", "int main(void) { return 0; }", "-g", "-Wl,--build-id");
        debug = directory.resolve("program.debug");
        root = directory.resolve("debug");
        run("objcopy", "--only-keep-debug", program.toString(), debug.toString());
        run("strip", program.toString());
        run("objcopy", "--add-gnu-debuglink=" + debug, program.toString());
    }

    private void run(final String... command) throws Exception {
        CSources.run(directory, List.of(command));
    }

    private void assertThatItIsFoundAt(final Path place) throws Exception {
        assertThat(DebugFiles.find(program, ElfFile.read(program), root)).isEmpty();
        Files.createDirectories(place.resolveSibling(""));
        Files.copy(debug, place);
        assertThat(DebugFiles.find(program, ElfFile.read(program), root))
                .hasValueSatisfying(found -> assertThat(found.symbols())
                        .anyMatch(symbol -> symbol.name().equals("main")));
    }

    @Test
    void byItsBuildId() throws Exception {
        final String id = ElfFile.read(program).buildId().orElseThrow();
        assertThatItIsFoundAt(root.resolve(".build-id/" + id.substring(0, 2) + "/" + id.substring(2) + ".debug"));
    }

    @Test
    void byItsNameBesideTheProgram() throws Exception {
        assertThatItIsFoundAt(program.resolveSibling("program.debug"));
    }

    @Test
    void byItsNameInAFolderBesideTheProgram() throws Exception {
        assertThatItIsFoundAt(program.resolveSibling(".debug/program.debug"));
    }

    @Test
    void byItsNameInTheProgramsFolderBelowTheRoot() throws Exception {
        assertThatItIsFoundAt(root.resolve(directory.toString().substring(1)).resolve("sbin/program.debug"));
    }

    @Test
    void notWhatIsOfAnotherBuild() throws Exception {
        final Path other = CProgram.compile(directory, "other", "int main(void) { return 1; }", "-Wl,--build-id");
        Files.copy(other, program.resolveSibling("program.debug"));
        assertThat(DebugFiles.find(program, ElfFile.read(program), root)).isEmpty();
    }
}

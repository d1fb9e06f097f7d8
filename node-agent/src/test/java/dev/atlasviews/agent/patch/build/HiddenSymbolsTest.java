// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is hidden is local in a linked program, and where its symbol stands is for the linker to choose. */
class HiddenSymbolsTest {
    private static final String CODE = """
        #include <stdio.h>
        #include <stdlib.h>
        #define NOINLINE __attribute__((noinline))
        #define HIDDEN __attribute__((visibility("hidden")))
        HIDDEN long sessions = 10;
        HIDDEN NOINLINE long work(long x) { return x * FACTOR; }
        NOINLINE long api(long x) { return sessions += work(x) + MORE; }
        NOINLINE long old(long x) { return x + ++sessions; }
        int main(void) {
            char line[256];
            while (fgets(line, sizeof line, stdin)) {
                long x = atol(line);
                printf("%ld\\n", x < 0 ? old(-x) : x < 100 ? api(x) : work(x));
                fflush(stdout);
            }
            return 0;
        }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private static String code(final String factor, final String more) {
        return CODE.replace("FACTOR", factor).replace("MORE", more);
    }

    private void isPatched(final CSources sources) throws Exception {
        try (PatchedProgram program = new PatchedProgram(directory, sources.program())) {
            assertThat(program.ask("1")).isEqualTo("12");
            program.install(sources.build());
            assertThat(program.ask("200")).isEqualTo("600");
            assertThat(program.ask("1")).isEqualTo("20");
            assertThat(program.ask("-1"))
                    .as("old and new code have one variable")
                    .isEqualTo("22");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bfd", "gold"})
    void byTheLinker(final String linker) throws Exception {
        isPatched(new CSources(
                        directory.resolve(linker),
                        List.of("-fPIE"),
                        List.of("-pie", "-Wl,--build-id=sha1", "-fuse-ld=" + linker))
                .change(code("2", "0"), code("3", "5")));
    }

    @Test
    void amongTheLocalSymbolsOfItsFile() throws Exception {
        final CSources sources = CSources.pie(directory.resolve("local")).change(code("2", "0"), code("3", "5"));
        final Path object = sources.before().resolve("main.o");
        final Path kept = sources.before().resolve("main.kept");
        CSources.run(directory, List.of("cp", object.toString(), kept.toString()));
        CSources.run(
                directory,
                List.of("objcopy", "--localize-symbol=work", "--localize-symbol=sessions", object.toString()));
        sources.link();
        CSources.run(directory, List.of("mv", kept.toString(), object.toString()));
        isPatched(sources);
    }

    /** Without the compiler's own last file, gold lets what is hidden follow the local symbols of any file. */
    private CSources library(final String before, final String after) throws Exception {
        final String other = "long work(long x) __attribute__((visibility(\"hidden\")));"
                + " static long last; long other(long x) { return work(x) + ++last; }\n";
        final CSources sources = new CSources(
                directory.resolve("library"),
                List.of("-fPIC"),
                List.of("-shared", "-nostartfiles", "-Wl,--build-id=sha1", "-fuse-ld=gold"));
        return sources.compile(sources.before(), Map.of("main", before, "other", other))
                .compile(sources.after(), Map.of("main", after, "other", other))
                .link();
    }

    private static PatchRefusedException refusal(final CSources sources) {
        return Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
    }

    @Test
    void whatCodeRefersToWasNotDropped() throws Exception {
        final String code = """
            __attribute__((visibility("hidden"))) long sessions;
            long api(long x) { return sessions += x CHANGE; }
            __attribute__((visibility("hidden"))) long work(long x) { return x * 2; }
            """;
        final PatchRefusedException refusal =
                refusal(library(code.replace("CHANGE", ""), code.replace("CHANGE", "+ 1")));
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal.subject()).isEqualTo("api");
        assertThat(refusal).hasMessageContaining("sessions");
    }

    @Test
    void whatUnitsShareIsFoundAmongTheLocalsOfAnother() throws Exception {
        final String shared = """
            __attribute__((noinline, visibility("hidden"), section(".text.shared,\\"axG\\",@progbits,shared,comdat#")))
            long shared(long x) { return x * 3; }
            """;
        final String code = shared + "long api(long x) { return shared(x) CHANGE; }\n";
        final String other = shared + "long other(long x) { return shared(x) + 1; }\n";
        final CSources sources = new CSources(
                directory.resolve("shared"),
                List.of("-fPIC"),
                List.of("-shared", "-nostartfiles", "-Wl,--build-id=sha1", "-fuse-ld=gold"));
        sources.compile(sources.before(), Map.of("main", code.replace("CHANGE", ""), "other", other))
                .compile(sources.after(), Map.of("main", code.replace("CHANGE", "+ 1"), "other", other))
                .link();
        assertThatCode(sources::build).doesNotThrowAnyException();
    }

    @Test
    void whatOthersMayReferToIsNotTakenForDropped() throws Exception {
        final String code = """
            __attribute__((visibility("hidden"))) long work(long x) { return x * 2; }
            long api(long x) { return x * 5; }
            """;
        final PatchRefusedException refusal = refusal(library(code, code.replace("2", "3")));
        assertThat(refusal.reason()).isEqualTo(Refusal.AMBIGUOUS_SYMBOL);
        assertThat(refusal.subject()).isEqualTo("work");
    }

    @Test
    void aPatchThatNothingLeadsToIsNone() throws Exception {
        final String code = code("2", "0");
        final PatchRefusedException refusal = refusal(
                CSources.pie(directory.resolve("added")).change(code, code + "long added(long x) { return x * 7; }\n"));
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_LINKED);
        assertThat(refusal).hasMessageContaining("added");
    }
}

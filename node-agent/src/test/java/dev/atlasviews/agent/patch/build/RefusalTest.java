// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each refusal names its reason and the symbol it is about. */
class RefusalTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private static final String CODE = """
        #include <stdlib.h>
        #include <string.h>
        #define NOINLINE __attribute__((noinline, noipa))
        BEFORE
        int counter = 1;
        long table[] = {1, 2, 3};
        NOINLINE long work(long x) { return x * table[x & 1] + counter; }
        int main(int argc, char **argv) { return (int) work(argc); }
        """;

    @Test
    void theManualHasARowForEach() throws Exception {
        final String manual = Files.readString(Path.of("../docs/patches.md"));
        final String rows = manual.lines()
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.split("\\|", -1)[1])
                .collect(Collectors.joining(","));
        assertThat(Refusal.values()).allSatisfy(reason -> assertThat(rows).contains("`" + reason.name() + "`"));
    }

    private static PatchRefusedException refusal(final CSources sources) {
        return Objects.requireNonNull(catchThrowableOfType(PatchRefusedException.class, sources::build));
    }

    private void refuses(
            final Refusal reason, final String subject, final String before, final String after, final String... flags)
            throws Exception {
        final CSources sources = CSources.pie(directory, flags);
        final PatchRefusedException refusal = refusal(sources.change(before, after));
        assertThat(refusal.reason()).isEqualTo(reason);
        assertThat(refusal.subject()).isEqualTo(subject);
        assertThat(refusal).hasMessageContaining(subject).hasMessageContaining(reason.name());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CHANGED_VARIABLE    | counter | int counter = 1;        | int counter = 2;",
                "CHANGED_VARIABLE    | table   | {1, 2, 3}               | {1, 2, 3, 4}",
                "CHANGED_VARIABLE    | table   | {1, 2, 3}               | {1, 2, 5}",
                "UNRESOLVED_SYMBOL   | missing | return x *              | extern long missing(long); return"
                        + " missing(x) *",
                "UNRESOLVED_SYMBOL   | strtol  | return x *              | return strtol(\"1\", 0, 0) *",
                "NEW_TLS_VARIABLE    | fresh   | NOINLINE long work      | static __thread long fresh; NOINLINE long"
                        + " work",
                "CHANGED_CONSTRUCTOR | main.o  | NOINLINE long work      | __attribute__((constructor)) void"
                        + " early(void) { counter = 9; } NOINLINE long work"
            })
    void refusesAChange(final Refusal reason, final String subject, final String from, final String to)
            throws Exception {
        final String before = CODE.replace("BEFORE", "");
        final String body = reason == Refusal.NEW_TLS_VARIABLE ? "return (fresh += x) + x *" : "return x *";
        refuses(reason, subject, before, before.replace(from, to).replace("return x *", body));
    }

    /** Of two that follow each other one is not at a multiple of 16, which vector instructions want. */
    @ParameterizedTest
    @ValueSource(strings = {"long", "__thread long"})
    void refusesAVariableThatIsNotAlignedAsNewCodeWantsIt(final String type) throws Exception {
        final String code = """
            static TYPE left ALIGNED = 1;
            static TYPE right ALIGNED = 2;
            __attribute__((noipa)) long *pick(long x) { return x & 1 CHANGE ? &left : &right; }
            int main(int argc, char **argv) { return (int) ++*pick(argc); }
            """.replace("TYPE", type);
        final CSources sources = CSources.pie(directory)
                .change(
                        code.replace("ALIGNED", "").replace("CHANGE", ""),
                        code.replace("ALIGNED", "__attribute__((aligned(16)))").replace("CHANGE", "| x & 2"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.CHANGED_VARIABLE);
        assertThat(refusal.subject()).isIn("left", "right");
        assertThat(refusal).hasMessageContaining("multiple of 16");
    }

    @Test
    void refusesAFunctionTooShortForAJump() throws Exception {
        final String code =
                "int other; __attribute__((noipa)) void empty(void) {BODY}\n" + "int main(void) { empty(); return 0; }";
        refuses(Refusal.FUNCTION_TOO_SHORT, "empty", code.replace("BODY", ""), code.replace("BODY", "other++;"));
    }

    @Test
    void refusesAnIndirectFunction() throws Exception {
        final String code = """
            static int one(void) { return 1; }
            static int two(void) { return 2; }
            static void *resolve(void) { return __builtin_cpu_supports("avx2") CHANGE ? one : two; }
            int pick(void) __attribute__((ifunc("resolve")));
            int main(void) { return pick(); }
            """;
        refuses(Refusal.IFUNC, "pick", code.replace("CHANGE", ""), code.replace("CHANGE", "== 0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"choose", "work"})
    void refusesAFunctionThatChoosesAnIndirectOneWhateverItIsCalled(final String chooser) throws Exception {
        final String code = """
            static int one(void) { return 1; }
            static int two(void) { return 2; }
            void *CHOOSER(void) { return __builtin_cpu_supports("avx2") CHANGE ? one : two; }
            int pick(void) __attribute__((ifunc("CHOOSER")));
            int main(void) { return pick(); }
            """.replace("CHOOSER", chooser);
        refuses(Refusal.IFUNC, "pick", code.replace("CHANGE", ""), code.replace("CHANGE", "== 0"));
    }

    private static final String ASSEMBLY = """
        asm(".text\\n.globl raw\\nTYPE\\nraw: lea VALUE(%rdi), %rax\\nret\\nSIZE\\n.p2align 4");
        long raw(long x);
        long __attribute__((noipa)) work(long x) { return x ADDED; }
        int main(int argc, char **argv) { return (int) work(raw(argc)); }
        """;

    private static String assembly(final String value, final String added, final boolean isSized) {
        return ASSEMBLY.replace("VALUE", value)
                .replace("ADDED", added)
                .replace("TYPE", isSized ? ".type raw, @function" : "")
                .replace("SIZE", isSized ? ".size raw, . - raw" : "");
    }

    @Test
    void refusesAChangeOfCodeThatIsInNoFunction() throws Exception {
        refuses(Refusal.CODE_WITHOUT_SYMBOL, "raw", assembly("0x1111", "* 5", false), assembly("0x2222", "* 3", false));
    }

    @Test
    void takesAChangeBesideCodeThatIsInNoFunction() throws Exception {
        final CSources sources =
                CSources.pie(directory).change(assembly("0x1111", "* 5", false), assembly("0x1111", "* 3", false));
        assertThat(sources.build().targets().getFirst().functions()).hasSize(1);
    }

    @Test
    void takesAssemblyThatSaysWhatItIs() throws Exception {
        final CSources sources =
                CSources.pie(directory).change(assembly("0x1111", "* 5", true), assembly("0x2222", "* 3", true));
        assertThat(sources.build().targets().getFirst().functions()).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "section(\"hooks\"), used             |          | NEW",
                "section(\"hooks\"), used             | OLD      | ",
                "section(\"hooks\"), used             | OLD      | OLDER",
                "section(\".data.kept\"), used, retain |          | NEW"
            })
    void refusesAnotherEntryOfASetThatTheLinkerGathers(final String attributes, final String before, final String after)
            throws Exception {
        final String entry = "static long (*const hook)(long) __attribute__((ATTRIBUTES)) = WHICH;\n"
                .replace("ATTRIBUTES", attributes);
        final String code = """
            long __attribute__((noipa)) OLD(long x) { return x; }
            long __attribute__((noipa)) OLDER(long x) { return x + 1; }
            long __attribute__((noipa)) NEW(long x) { return x + 2; }
            ENTRY
            long __attribute__((noipa)) work(long x) { return x ADDED; }
            int main(int argc, char **argv) { return (int) work(OLD(argc) + OLDER(1) + NEW(1)); }
            """;
        refuses(
                Refusal.CHANGED_VARIABLE,
                "hook",
                code.replace("ENTRY", before == null ? "" : entry.replace("WHICH", before))
                        .replace("ADDED", "* 5"),
                code.replace("ENTRY", after == null ? "" : entry.replace("WHICH", after))
                        .replace("ADDED", "* 3"));
    }

    @Test
    void refusesAProgramWithoutBuildId() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        final CSources sources =
                new CSources(directory, List.of("-fPIE"), List.of("-pie", "-Wl,--build-id=none")).change(code, code);
        assertThat(refusal(sources).reason()).isEqualTo(Refusal.NO_BUILD_ID);
    }

    @Test
    void refusesAStrippedProgramUnlessItsDebugFileIsGiven() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        final CSources sources = CSources.pie(directory).change(code, code.replace("return x *", "return 7 + x *"));
        final Path debug = directory.resolve("program.debug");
        CSources.run(directory, List.of("objcopy", "--only-keep-debug", "program", debug.toString()));
        CSources.run(directory, List.of("strip", "program"));
        assertThat(refusal(sources).reason()).isEqualTo(Refusal.NO_SYMBOLS);
        final TargetProgram target = TargetProgram.of("program", ElfFile.read(sources.program()), ElfFile.read(debug));
        assertThat(PatchBuilder.build(ObjectPair.find(sources.before(), sources.after()), target, BuildOptions.NONE))
                .isNotEmpty();
    }

    @Test
    void refusesObjectsThatAreNotTheRunningCode() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        final CSources sources = CSources.pie(directory).change(code, code.replace("return x *", "return 7 + x *"));
        sources.compile(sources.before(), Map.of("main", code.replace("return x *", "return 1 + x *")));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.NOT_THE_RUNNING_CODE);
        assertThat(refusal.subject()).isEqualTo("work");
    }

    @Test
    void refusesObjectsWithoutFunctionSections() throws Exception {
        final String code = CODE.replace("BEFORE", "") + "NOINLINE long more(long x) { return x + 3; }\n";
        refuses(
                Refusal.NOT_FUNCTION_SECTIONS,
                "work",
                code,
                code.replace("return x *", "return 7 + x *"),
                "-fno-function-sections");
    }

    @Test
    void refusesLinkTimeOptimisation() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        refuses(Refusal.LTO_OBJECT, "main.o", code, code.replace("return x *", "return 7 + x *"), "-flto");
    }

    @Test
    void refusesADebugFileOfAnotherProgram() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        final CSources sources = CSources.pie(directory).change(code, code);
        final CSources other =
                CSources.pie(directory.resolve("other")).change(code.replace("return x *", "return 7 + x *"), code);
        final ElfFile program = ElfFile.read(sources.program());
        final ElfFile debug = ElfFile.read(other.program());
        final PatchRefusedException refusal = Objects.requireNonNull(
                catchThrowableOfType(PatchRefusedException.class, () -> TargetProgram.of("program", program, debug)));
        assertThat(refusal.reason()).isEqualTo(Refusal.WRONG_DEBUG_FILE);
        assertThat(refusal).hasMessageContaining(debug.buildId().orElseThrow());
    }

    @Test
    void symbolsMayBeThoseOfAnIdenticalBuild() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        final CSources sources = CSources.pie(directory).change(code, code.replace("return x *", "return 7 + x *"));
        // Debug information is what differs, so that build-ids do.
        final CSources running =
                CSources.pie(directory.resolve("running"), "-g0").change(code, code);
        CSources.run(directory, List.of("strip", running.program().toString()));
        final ElfFile program = ElfFile.read(running.program());
        final ElfFile rebuilt = ElfFile.read(sources.program());
        assertThat(program.buildId()).isNotEqualTo(rebuilt.buildId());
        final Patch patch = PatchReader.read(PatchBuilder.build(
                ObjectPair.find(sources.before(), sources.after()),
                TargetProgram.of("program", program, rebuilt),
                BuildOptions.NONE));
        assertThat(patch.targets().getFirst().buildId())
                .isEqualTo(program.buildId().orElseThrow());
    }

    @Test
    void refusesAProgramWhoseTextIsChangedAtLoadTime() throws Exception {
        final String code = CODE.replace("BEFORE", "")
                .replace("return x *", "asm volatile(\"jmp 1f; .quad counter; 1:\"); return x *");
        final CSources sources = new CSources(
                        directory, List.of("-fPIE"), List.of("-pie", "-Wl,--build-id=sha1", "-Wl,-z,notext"))
                .change(code, code.replace("return x *", "return 7 + x *"));
        assertThat(refusal(sources).reason()).isEqualTo(Refusal.TEXT_RELOCATIONS);
    }

    @Test
    void refusesAProgramInGo() throws Exception {
        final String code = CODE.replace("BEFORE", "__attribute__((section(\".gopclntab\"))) const int lines = 1;");
        refuses(Refusal.UNSUPPORTED_LANGUAGE, "program", code, code.replace("return x *", "return 7 + x *"));
    }

    @Test
    void refusesInstructionsThatAreNotUnderstood() throws Exception {
        // "push %es", which 64-bit code does not have.
        final String code =
                CODE.replace("BEFORE", "").replace("return x *", "asm volatile(\".byte 0x06\"); return x *");
        refuses(Refusal.UNKNOWN_INSTRUCTION, "work", code, code.replace("return x *", "return 7 + x *"));
    }

    @Test
    void refusesCodeWithoutASymbol() throws Exception {
        final String asm = "asm volatile(\"call 77f; .pushsection .text.stub, \\\"ax\\\"; 77: ret; .popsection\");";
        final String code = CODE.replace("BEFORE", "").replace("return x *", asm + " return x *");
        refuses(Refusal.UNSUPPORTED_RELOCATION, ".text.stub", code, code.replace("return x *", "return 7 + x *"));
    }

    @Test
    void refusesDirectAccessToALibrarysVariable() throws Exception {
        final String code = CODE.replace("BEFORE", "extern char **environ;");
        refuses(Refusal.UNSUPPORTED_RELOCATION, "environ", code, code.replace("return x *", "return !environ + x *"));
    }

    @Test
    void refusesAThreadLocalVariableOfALibraryWithoutASlot() throws Exception {
        final String code = "__thread long seen; __attribute__((noipa)) long work(long x) { return x * 3 CHANGE; }\n";
        final CSources sources =
                CSources.library(directory).change(code.replace("CHANGE", ""), code.replace("CHANGE", "+ ++seen"));
        final PatchRefusedException refusal = refusal(sources);
        assertThat(refusal.reason()).isEqualTo(Refusal.TLS_MODEL);
        assertThat(refusal.subject()).isEqualTo("seen");
    }

    @Test
    void refusesATableOfVirtualFunctionsOfAnotherShape() throws Exception {
        final String code = """
            struct shape { virtual long area(long x); virtual ~shape(); };
            long shape::area(long x) { return x * 2; }
            shape::~shape() {}
            int main(int argc, char **) { shape s; shape *volatile p = &s; return (int)p->area(argc); }
            """;
        final String after = code.replace("{ virtual long area", "{ virtual long first(long x); virtual long area")
                + "long shape::first(long x) { return x * 3; }\n";
        for (final String compiler : List.of("g++", "clang++")) {
            final PatchRefusedException refusal = refusal(
                    CSources.pie(directory.resolve(compiler)).with(compiler).change(code, after));
            assertThat(refusal.reason()).isEqualTo(Refusal.CHANGED_VARIABLE);
            assertThat(refusal.subject()).isEqualTo("_ZTV5shape");
        }
    }

    @Test
    void refusesDirectoriesThatHaveNoObjectInCommon() throws Exception {
        final CSources sources = CSources.pie(directory);
        sources.compile(sources.before(), Map.of("one", "int one;"));
        sources.compile(sources.after(), Map.of("other", "int other;"));
        final PatchRefusedException refusal = Objects.requireNonNull(catchThrowableOfType(
                PatchRefusedException.class, () -> ObjectPair.find(sources.before(), sources.after())));
        assertThat(refusal.reason()).isEqualTo(Refusal.MISSING_OBJECT);
    }

    @Test
    void refusesNothing() throws Exception {
        final String code = CODE.replace("BEFORE", "");
        refuses(Refusal.NOTHING_CHANGED, "program", code, "\n\n" + code);
    }

    @Test
    void refusesStacksThatNobodySees() throws Exception {
        final String code = CODE.replace("BEFORE", "#include <ucontext.h>\nucontext_t a, b;")
                .replace("return (int)", "if (argc > 5) swapcontext(&a, &b); return (int)");
        refuses(Refusal.HIDDEN_STACKS, "swapcontext", code, code.replace("return x *", "return 7 + x *"));
    }

    @Test
    void tellsWhichFunctionsMayBeExcluded() throws Exception {
        final String code = """
            #include <stdio.h>
            __attribute__((noipa)) long loops(long x, volatile long *y) { do { *y += x; } while (*y < 100 CHANGE); return x; }
            __attribute__((noipa)) long plain(long x, long y) { return x * 31 + y CHANGE; }
            int main(int argc, char **argv) { long y = 0; return (int) (loops(argc, &y) + plain(argc, y)); }
            """;
        final CSources sources = CSources.pie(directory, "-fno-align-loops")
                .change(code.replace("CHANGE", ""), code.replace("CHANGE", "+ 5"));
        final Patch patch = sources.build();
        for (final PatchFunction function : patch.targets().getFirst().functions()) {
            final PatchFunction.OldBody old = Objects.requireNonNull(function.oldBody());
            if (function.name().equals("loops")) {
                assertThat(old.notExcludable()).contains("branch");
            } else {
                assertThat(old.notExcludable()).isNull();
            }
        }
        assertThat(patch.targets().getFirst().functions()).hasSize(2);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.elf.ElfFile;
import dev.atlasviews.agent.patch.PatchFunction;
import dev.atlasviews.agent.patch.PatchTarget;
import dev.atlasviews.agent.patch.build.CSources;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Of a function that is full of references, only what a fix changes is shown. */
class InstructionDifferenceTest {
    private static final String CODE = """
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #define NOINLINE __attribute__((noinline))
        int counter;
        long table[4] = {1, 2, 3, 4};
        static const long fixed[5] = {10, 20, 30, 40, 50};
        static __thread long seen;
        __attribute__((cold)) NOINLINE static void complain(const char *what) { puts(what); }
        NOINLINE static long helper(long x) { seen += x; return x * 3; }
        NEW
        NOINLINE long work(long x, char *text) {
            if (x < 0) { errno = EINVAL; complain("negative"); return -1; }
            counter++;
            for (long i = 0; i < x; i++) {
                table[i & 3] += helper(i);
            }
            sprintf(text, "count %d, factor %g", counter, (double)x * 1.5);
            switch (x) {
            case 0: return helper(LIMIT);
            case 1: return strlen(text) + fixed[x & 3];
            case 2: counter += 5; INSERTED return 7;
            case 3: return work(x - 1, text) + 1;
            case 4: return atol(strchr(text, 'c'));
            case 5: abort();
            default: return table[x & 3] + fixed[x & 3];
            }
        }
        int main(int argc, char **argv) { char text[64]; return (int)work(argc, text); }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    static Stream<Arguments> builds() {
        return Stream.of("gcc", "clang")
                .flatMap(compiler -> Stream.of(Kind.values()).map(kind -> Arguments.of(compiler, kind)));
    }

    /** How a program is compiled. */
    enum Kind {
        PIE,
        GUARDED,
        FIXED,
        LIBRARY;

        CSources sources(final Path directory) {
            return switch (this) {
                case PIE -> CSources.pie(directory);
                case GUARDED -> CSources.pie(directory, "-fcf-protection=full", "-fno-plt");
                case FIXED -> CSources.fixed(directory);
                case LIBRARY -> CSources.library(directory);
            };
        }
    }

    private List<String> difference(final CSources sources, final String before, final String after) throws Exception {
        sources.change(before, after);
        return difference(sources.build().targets().getFirst(), sources);
    }

    private static List<String> difference(final PatchTarget target, final CSources sources) throws Exception {
        final List<String> lines = new ArrayList<>();
        InstructionDifference.print(target, ElfFile.read(sources.program()), new Disassembler("objdump"), lines::add);
        return lines;
    }

    private static String code(final String limit, final String inserted, final String added) {
        return CODE.replace("LIMIT", limit).replace("INSERTED", inserted).replace("NEW", added);
    }

    private static List<String> changes(final List<String> lines) {
        return lines.stream()
                .filter(line -> line.matches("[-+] +[0-9a-f]+: .*"))
                .map(line -> line.replaceFirst("^(.) +[0-9a-f]+: (\\S+) +", "$1 $2 "))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("builds")
    void whatOnlyMovedIsNotShown(final String compiler, final Kind kind) throws Exception {
        final List<String> all = difference(
                kind.sources(directory).with(compiler), code("77", "", ""), code("78", "puts(\"again\");", ""));
        // What is returned after the call that is new, compilers load where they please.
        final List<String> changes = changes(all).stream()
                .filter(line -> !line.endsWith("mov $0x7,%eax"))
                .toList();
        assertThat(changes).hasSize(4).contains("- mov $0x4d,%edi", "+ mov $0x4e,%edi");
        assertThat(changes).anyMatch(line -> line.matches("\\+ (lea|mov) .*\"again\".*"));
        assertThat(changes).anyMatch(line -> line.matches("\\+ call \\*?puts@.*"));
    }

    @Test
    void aChangedStringIsShown() throws Exception {
        final String before = code("77", "", "");
        final List<String> lines =
                difference(CSources.pie(directory), before, before.replace("\"negative\"", "\"less \\\"0\\\"\""));
        assertThat(changes(lines))
                .containsExactly("- lea \"negative\"(%rip),%rdi", "+ lea \"less \\\"0\\\"\"(%rip),%rdi");
    }

    @Test
    void aNewFunctionIsShownWhole() throws Exception {
        final List<String> lines = difference(
                CSources.pie(directory),
                code("77", "", ""),
                code("fresh(7)", "", "__attribute__((noipa)) static long fresh(long x) { return helper(x) + 12; }"));
        assertThat(lines).contains("--- /dev/null", "+++ fresh (patch)");
        assertThat(changes(lines)).contains("+ call helper", "+ add $0xc,%rax", "+ call fresh");
    }

    @Test
    void aConstantThatDiffersIsToldByItsMissingName() throws Exception {
        final String before = code("77", "", "");
        final List<String> lines = difference(CSources.pie(directory), before, before.replace("30, 40,", "30, 41,"));
        assertThat(changes(lines)).hasSize(2);
        assertThat(changes(lines).getFirst()).contains("fixed");
    }

    @Test
    void runsOfZerosAreCode() throws Exception {
        final byte[] code = new byte[99];
        code[0] = (byte) 0xc3;
        code[98] = (byte) 0xc3;
        assertThat(new Disassembler("objdump").lines(code, 0x1000))
                .hasSize(1 + 48 + 1)
                .filteredOn(line -> line.text().contains("(%rax)"))
                .hasSize(48);
    }

    private static final String MIDDLE = """
        __attribute__((noipa)) long check(long x) { return x > 5 ? x * 3 : x * x * x + 77; }
        __attribute__((noipa)) long work(long x) {
            __asm__ volatile("call check + PLACE" : "+D"(x) : : "rax", "memory");
            return x;
        }
        int main(int argc, char **argv) { return (int)work(argc) + (int)check(argc) + !argv; }
        """;

    @Test
    void aBranchIntoTheMiddleOfAnotherFunctionIsADifference() throws Exception {
        final List<String> lines =
                difference(CSources.pie(directory), MIDDLE.replace("PLACE", "0"), MIDDLE.replace("PLACE", "4"));
        assertThat(changes(lines)).containsExactly("- call check", "+ call check+0x4");
    }

    @Test
    void anotherFunctionOfTheSameNameIsAnother() throws Exception {
        final CSources sources = CSources.pie(directory);
        final String before = code("77", "", "");
        sources.change(before, code("fresh(7)", "", "__attribute__((noipa)) static long fresh(long x) { return x; }"));
        final PatchTarget target = sources.build().targets().getFirst();
        final List<String> lines = difference(named(target, "fresh", "helper"), sources);
        assertThat(changes(lines)).contains("+ call helper (patch)");
    }

    @Test
    void theProgramKnowsBetterWhatIsReplaced() throws Exception {
        final CSources sources = CSources.pie(directory);
        sources.change(code("77", "", ""), code("78", "", ""));
        final PatchTarget target = sources.build().targets().getFirst();
        assertThat(difference(named(target, "work", "harmless"), sources))
                .contains("--- work (program), which the patch calls harmless", "+++ work (patch)");
    }

    private static PatchTarget named(final PatchTarget target, final String name, final String other) {
        return new PatchTarget(
                target.buildId(),
                target.program(),
                target.positionIndependent(),
                target.units(),
                target.functions().stream()
                        .map(function -> function.name().equals(name)
                                ? new PatchFunction(other, function.unit(), function.oldBody(), function.newBody())
                                : function)
                        .toList(),
                target.variables(),
                target.text(),
                target.constants(),
                target.data());
    }

    @Test
    void whatIsSharedIsShownOnce() throws Exception {
        final CSources sources = CSources.pie(directory);
        sources.change(code("77", "", ""), code("78", "", ""));
        final PatchTarget target = sources.build().targets().getFirst();
        final PatchFunction work = target.functions().getFirst();
        final List<PatchFunction> functions = new ArrayList<>(target.functions());
        functions.add(new PatchFunction("also", work.unit(), null, work.newBody()));
        final List<String> lines = difference(
                new PatchTarget(
                        target.buildId(),
                        target.program(),
                        target.positionIndependent(),
                        target.units(),
                        functions,
                        target.variables(),
                        target.text(),
                        target.constants(),
                        target.data()),
                sources);
        assertThat(lines).endsWith("+++ also (patch)", "its new code is that of " + work.name());
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.patch.build;

import static org.assertj.core.api.Assertions.assertThat;

import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.agent.patch.PatchReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not refused, and only a human can judge, is said. */
class JudgementTest {
    private static final String CODE = """
        #include <pthread.h>
        #include <semaphore.h>
        #include <ucontext.h>
        #define NOINLINE __attribute__((noinline))
        pthread_mutex_t mutex;
        sem_t semaphore;
        ucontext_t context;
        int counter;
        char flag;
        double factor;
        long table[4];
        __thread long seen;
        NOINLINE void other(long x) {
            pthread_mutex_lock(&mutex);
            counter = x; flag = x; factor = x; seen = x; table[x & 3] = x;
            pthread_mutex_unlock(&mutex);
            sem_post(&semaphore);
        }
        NOINLINE static void take_lock(long x) { counter += x; }
        NOINLINE long work(long x) {
            WORK
            return x * 3;
        }
        int main(int argc, char **argv) { other(argc); take_lock(argc); STACKS return (int) work(argc); }
        """;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    private CSources changed(final String compiler, final String before, final String after) throws Exception {
        final String code = CODE.replace("STACKS", "");
        return CSources.pie(directory)
                .with(compiler)
                .change(
                        code.replace("WORK", before),
                        code.replace("WORK", after).replace("x * 3", "x * 5"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void locksThatAreTakenAndNoLongerTaken(final String compiler) throws Exception {
        final String locked = "pthread_mutex_lock(&mutex); x++; pthread_mutex_unlock(&mutex);";
        assertThat(changed(compiler, "", locked).build().warnings())
                .containsExactly(
                        "main.c: work calls pthread_mutex_lock 1 ×, before 0 ×",
                        "main.c: work calls pthread_mutex_unlock 1 ×, before 0 ×");
        assertThat(changed(compiler, locked + "sem_post(&semaphore);", locked)
                        .build()
                        .warnings())
                .containsExactly("main.c: work calls sem_post 0 ×, before 1 ×");
        assertThat(changed(compiler, "", "take_lock(x);").build().warnings())
                .containsExactly("main.c: work calls take_lock 1 ×, before 0 ×");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "counter | counter = x;",
                "counter | counter++;",
                "counter | counter -= x;",
                "counter | if (x > 7) counter = 0;",
                "counter | __atomic_fetch_add(&counter, 2, __ATOMIC_SEQ_CST);",
                "flag    | flag = 1;",
                "factor  | factor = x * 1.5;",
                "seen    | seen = x;",
                "table   | table[2] = x;",
                "counter | __asm__ volatile(\"vmovd %%xmm0, %0\" : \"=m\"(counter));",
                "counter | __asm__ volatile(\"movd %%mm0, %0\" : \"=m\"(counter));"
            })
    void writesToVariablesThatWereNotWritten(final String variable, final String statement) throws Exception {
        for (final String compiler : List.of("gcc", "clang")) {
            assertThat(changed(compiler, "", statement).build().warnings())
                    .containsExactly(
                            "main.c: work writes to the existing variable " + variable + ", before it did not");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "x += counter + flag + factor + seen; | x -= counter + flag + factor + seen;",
                "counter = x; | counter = x + 1;",
                "x++; | if (counter == 7) x += 2 + flag;",
                "x++; | static long fresh; fresh += x;",
                "x++; | __asm__ volatile(\".byte 0xc5, 0xfa, 0x7e, 0x05; .long factor - 4 - .\" : : \"m\"(factor));",
                "x++; | __asm__ volatile(\"vmovq %0, %%xmm0\" : : \"m\"(factor));"
            })
    void nothingIsSaidOfWhatIsAsBeforeOrNew(final String before, final String after) throws Exception {
        final byte[] file = changed("gcc", before, after).buildFile(BuildOptions.NONE);
        assertThat(PatchReader.read(file).warnings()).isEmpty();
        assertThat(new String(file, StandardCharsets.ISO_8859_1)).doesNotContain("warnings");
    }

    private static final String OPERATIONS = """
        #define NOINLINE __attribute__((noinline))
        struct operations { long (*read)(long); long (*write)(long); };
        struct file { const struct operations *operations; long size; } file;
        NOINLINE static long read_it(long x) { return x * 3; }
        NOINLINE static long read_checked(long x) { return x < 0 ? -1 : x * 3; }
        NOINLINE static long write_it(long x) { return x < 0 ? read_checked(x) : x * 5; }
        static const struct operations operations = {READ, write_it};
        static const long limits[] = {1, 2, 3, LIMIT};
        NOINLINE void start(long x) { file.operations = &operations; file.size = limits[x & 3]; }
        int main(int argc, char **argv) { start(argc); return (int) file.operations->read(argc); }
        """;

    @ParameterizedTest
    @ValueSource(strings = {"gcc", "clang"})
    void constantsWhoseAddressObjectsHold(final String compiler) throws Exception {
        final String code = OPERATIONS.replace("READ", "read_it").replace("LIMIT", "4");
        assertThat(CSources.fixed(directory)
                        .with(compiler)
                        .change(code, OPERATIONS.replace("READ", "read_checked").replace("LIMIT", "5"))
                        .build()
                        .warnings())
                .containsExactly("main.c: the constant operations is another one now, and what has kept its address"
                        + " goes on with the old one");
    }

    @Test
    void whatWasAllowedIsSaid() throws Exception {
        final String code = CODE.replace("STACKS", "if (argc > 9) swapcontext(&context, &context);");
        final CSources sources = CSources.pie(directory).change(code.replace("WORK", ""), code.replace("WORK", "x++;"));
        final Patch patch = PatchReader.read(
                sources.buildFile(new BuildOptions(List.of(), List.of(), true, Set.of("node", "edge"))));
        assertThat(patch.warnings())
                .containsExactly(
                        "the program switches stacks by itself (swapcontext), which was allowed: no replaced function"
                                + " may ever be on such a stack",
                        "other layouts were allowed of: edge node");
    }

    @Test
    void aConstantThatCountsTheOthersAndMayBeHeldIsSaidOnce() throws Exception {
        final String code = """
            enum state { OPEN, BUSY, CLOSED };
            __attribute__((noipa)) int work(enum state s) { return s == CLOSED ? 3 : FACTOR; }
            """;
        final String before = code.replace("FACTOR", "5");
        final String after = code.replace("FACTOR", "7").replace("BUSY,", "BUSY, WAITING,");
        final String main = "int one(int), two(int); int main(int argc, char **argv) { return one(argc) + two(argc); }";
        final CSources sources = CSources.pie(directory);
        sources.compile(
                        sources.before(),
                        Map.of(
                                "main", main,
                                "one", before.replace("work", "one"),
                                "two", before.replace("work", "two")))
                .compile(
                        sources.after(),
                        Map.of(
                                "main", main,
                                "one", after.replace("work", "one"),
                                "two", after.replace("work", "two")))
                .link();
        assertThat(sources.build().warnings()).containsExactly("enum state: CLOSED is 3 now, before 2");
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedListTest {
    private static final int PROGRAMS = 3;
    private static final int CHANGES = 100;

    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    Path directory;

    /** Adds the numbers from its second argument on to the list in its first one, each by a change of its own. */
    static final class Adder {
        private Adder() {}

        public static void main(final String[] arguments) throws IOException {
            final int first = Integer.parseInt(arguments[1]);
            for (int i = first; i < first + CHANGES; i++) {
                try (SharedList<Integer> list = SharedList.open(Path.of(arguments[0]), Integer[].class)) {
                    final List<Integer> all = new ArrayList<>(list.read());
                    all.add(i);
                    list.write(all);
                }
            }
        }
    }

    @Test
    void losesNothingThatSeveralProgramsAdd() throws Exception {
        final Path file = directory.resolve("list.json");
        final List<Process> programs = new ArrayList<>();
        for (int i = 0; i < PROGRAMS; i++) {
            programs.add(new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Adder.class.getName(),
                            file.toString(),
                            String.valueOf(i * CHANGES))
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.INHERIT)
                    .start());
        }
        for (final Process program : programs) {
            assertThat(program.waitFor()).isZero();
        }
        try (SharedList<Integer> list = SharedList.open(file, Integer[].class)) {
            assertThat(list.read())
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, PROGRAMS * CHANGES).boxed().toList());
        }
    }

    @Test
    void leavesNothingOfALongerList() throws Exception {
        final Path file = directory.resolve("list.json");
        try (SharedList<Integer> list = SharedList.open(file, Integer[].class)) {
            assertThat(list.read()).isEmpty();
            list.write(List.of(1, 2, 3));
            list.write(List.of(4));
            assertThat(list.read()).containsExactly(4);
        }
        assertThat(Files.readString(file)).isEqualTo("[ 4 ]\n");
    }

    @Test
    void saysWhichFileIsNoSuchList() throws Exception {
        final Path file = Files.writeString(directory.resolve("list.json"), "[1, \"two\"]");
        try (SharedList<Integer> list = SharedList.open(file, Integer[].class)) {
            assertThatThrownBy(list::read)
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith(file + " is no list of Integer[]: ");
        }
    }
}

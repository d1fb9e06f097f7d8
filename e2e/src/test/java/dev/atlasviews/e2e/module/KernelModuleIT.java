// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs {@code kernel-module/check}, which prints TAP; the output is kept in {@code target/kernel-module}. */
class KernelModuleIT {
    private static final Path MODULE =
            Path.of("../kernel-module").toAbsolutePath().normalize();
    private static final Path REPORTS = Path.of("target/kernel-module");
    private static final Pattern COMPLAINT = Pattern.compile("^not ok|^Bail out|^# \\S+ failed \\(");

    /** What tests skip because a kernel lacks it, by its series; whatever else a test skips is a failure. */
    private static final Map<String, Set<String>> LACKING = Map.of(
            "6.1",
                    Set.of(
                            "sealed mappings",
                            "pages that are moved",
                            "guards",
                            "guards in a file's mapping",
                            "memory that broke"),
            "6.12", Set.of("guards", "guards in a file's mapping"));

    private static final Pattern SKIPPED = Pattern.compile("^ok \\d+ - (.*) # SKIP");

    /** The machine, as options of {@code check}. */
    record Machine(String name, List<String> options) {
        static Machine of(String name, String... options) {
            return new Machine(name, List.of(options));
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** All test programs. */
    static Stream<Machine> machines() {
        return Stream.of(
                Machine.of("6.1 with page-table isolation", "6.1", "--pti", "on"),
                Machine.of("6.12 with page-table isolation", "6.12", "--pti", "on"));
    }

    /**
     * Those that differ between machines; for all of them on each there is not the time, nor for 7.2, whose module
     * needs sid's compiler: {@code check 7.2}.
     */
    static Stream<Machine> otherMachines() {
        return Stream.of(
                Machine.of("6.1 without, one processor", "6.1", "--pti", "off", "--cpus", "1"),
                Machine.of("6.12, 5-level paging, four processors", "6.12", "--la57", "--cpus", "4"));
    }

    @ParameterizedTest
    @MethodSource("machines")
    void testProgramsPass(Machine machine) throws Exception {
        assertThat(passed("check", machine.name(), machine.options()))
                .contains(
                        "# basic",
                        "# cgroup",
                        "# confined",
                        "# cycles",
                        "# data",
                        "# debugger",
                        "# denial",
                        "# flush",
                        "# futex",
                        "# fuzz",
                        "# hardware",
                        "# hooks",
                        "# hotplug",
                        "# io",
                        "# life",
                        "# memory",
                        "# mmview",
                        "# model",
                        "# observe",
                        "# paging",
                        "# process",
                        "# self",
                        "# signals",
                        "# stress",
                        "# unshare",
                        "# userfault")
                .filteredOn(line -> line.startsWith("ok "))
                .hasSizeGreaterThan(850);
    }

    @ParameterizedTest
    @MethodSource("otherMachines")
    void testProgramsPassOnOtherMachines(Machine machine) throws Exception {
        var options = new ArrayList<>(machine.options());
        options.addAll(List.of("--", "basic", "life", "unshare"));

        assertThat(passed("check", machine.name(), options))
                .contains("# basic", "# life", "# unshare")
                .filteredOn(line -> line.startsWith("ok "))
                .hasSizeGreaterThan(250);
    }

    /** What test programs say when none of them complains: one TAP stream of them all. */
    private static List<String> passed(String script, String name, List<String> options) throws Exception {
        var output = run(script, name, options);
        var lines = Files.readAllLines(output);
        assertThat(lines)
                .as("what the test programs say, in %s", output)
                .noneMatch(line -> line.startsWith("not ok") || line.startsWith("Bail out"));
        assertThat(lines.stream().flatMap(line -> SKIPPED.matcher(line).results()))
                .as("the tests that were skipped, in %s", output)
                .extracting(skipped -> skipped.group(1))
                .isSubsetOf(LACKING.get(options.getFirst()));
        var results = lines.stream().filter(line -> line.startsWith("ok ")).toList();
        assertThat(lines)
                .as("the one plan, in %s", output)
                .filteredOn(line -> line.startsWith("1.."))
                .containsExactly("1.." + results.size());
        assertThat(results)
                .as("the results, in %s", output)
                .zipSatisfy(
                        IntStream.rangeClosed(1, results.size()).boxed().toList(),
                        (line, number) -> assertThat(line).startsWith("ok " + number + " - "));
        return lines;
    }

    @Test
    void foreignProgramsDoInViewsWhatTheyDoOutside() throws Exception {
        var output = run("foreign", "foreign", List.of("6.1"));

        assertThat(Files.readAllLines(output))
                .as("what ran in views, in %s", output)
                .noneMatch(line -> line.startsWith("not ok"))
                .filteredOn(line -> line.startsWith("ok ") && line.contains("in views"))
                .hasSizeGreaterThan(20);
    }

    @Test
    void checkpatchAndSparseAreContent() throws Exception {
        run("lint", "lint", List.of());
    }

    private static Path run(String script, String name, List<String> options) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(MODULE.resolve(script).toString());
        command.addAll(options);
        var output = Files.createDirectories(REPORTS).resolve(name.replaceAll("[^\\w.-]+", "-") + ".tap");
        var status = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start()
                .waitFor();
        assertThat(status)
                .as("exit status of %s; what it says of it:%n%s", command, complaints(Files.readAllLines(output)))
                .isZero();
        return output;
    }

    /** What names a failure, and how the output ends: all of it would be a thousand lines. */
    private static String complaints(List<String> lines) {
        var end = lines.size() - 40;
        return IntStream.range(0, lines.size())
                .filter(at -> at >= end || COMPLAINT.matcher(lines.get(at)).find())
                .mapToObj(lines::get)
                .collect(Collectors.joining("\n"));
    }
}

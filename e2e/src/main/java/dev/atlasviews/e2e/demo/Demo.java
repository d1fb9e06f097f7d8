// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.e2e.report.ReportFile;
import dev.atlasviews.e2e.report.ReportTable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./demo}. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Patches a running Redis in a pod by kubectl apply, and measures and verifies it.")
@SuppressWarnings("NullAway.Init") // set by picocli
public final class Demo implements Callable<Integer> {
    @Option(
            names = "--windows",
            paramLabel = "N",
            defaultValue = "30",
            description = "measured windows of each condition, at least 2 (default: ${DEFAULT-VALUE})")
    private int windows;

    @Option(
            names = "--output",
            paramLabel = "DIRECTORY",
            defaultValue = "target/demo",
            description = "where report.json and latency.png go (default: ${DEFAULT-VALUE})")
    private Path output;

    /** Runs the demo; the exit status is 0 only if all that it shows was verified. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Demo()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        Files.createDirectories(output);
        var narrator = new Narrator(System.out);
        var report = new DemoRun(output, windows, narrator).run();
        ReportFile.write(report, output.resolve("report.json"));
        narrator.chapter("what was found");
        ReportTable.lines(report).forEach(System.out::println);
        System.out.printf(
                "%n%s   (%s, %s)%n",
                report.verified() ? "verified" : "NOT VERIFIED: see ✗ above",
                output.resolve("report.json"),
                output.resolve("latency.png"));
        return report.verified() ? 0 : 1;
    }
}

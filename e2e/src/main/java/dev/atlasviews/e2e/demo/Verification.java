// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.demo;

import dev.atlasviews.e2e.load.LoadCounts;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Verdict;
import dev.atlasviews.e2e.observe.ThreadCount;
import dev.atlasviews.e2e.report.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Checks all that the demo claims; nothing is taken for granted. */
final class Verification {
    private final List<Report.Check> checks = new ArrayList<>();

    /** The list so far. */
    List<Report.Check> checks() {
        return List.copyOf(checks);
    }

    void story(StoryResult story) {
        var expected = new Report.Behaviour("vulnerable", "fixed", "vulnerable");
        check(
                "vulnerable, fixed with the patch, vulnerable after the revert",
                story.behaviour().equals(expected),
                "%s, %s, %s"
                        .formatted(
                                story.behaviour().before(),
                                story.behaviour().patched(),
                                story.behaviour().reverted()));
        int total = story.patched().threads().size();
        check("every thread moved", story.moved() == total, story.moved() + " of " + total);
        check(
                "every thread came back",
                story.reverted().threads().stream().allMatch(thread -> thread.view() == 0),
                story.reverted().threads().stream()
                                .filter(thread -> thread.view() == 0)
                                .count() + " of "
                        + story.reverted().threads().size());
        code(story);
        check("no system call was interrupted", story.interrupted() == 0, Long.toString(story.interrupted()));
        requests("requests", story.load());
        requests("requests of redis-benchmark", story.benchmark());
    }

    /** Those that ran the function before run only its new code now. */
    private void code(StoryResult story) {
        Map<Integer, ThreadCount> patched = byThread(story.patched().threads());
        var busy = story.busyThreads();
        long proven = busy.stream()
                .map(thread -> patched.get(thread.tid()))
                .filter(thread -> thread != null && thread.newCode() > 0 && thread.oldCode() == 0)
                .count();
        check(
                "every thread that ran the old code runs the new code",
                busy.size() >= Story.BUSY_THREADS && proven == busy.size(),
                "%d of %d".formatted(proven, busy.size()));
        long old = story.patched().threads().stream()
                .mapToLong(ThreadCount::oldCode)
                .sum();
        check("no thread ran the old code while patched", old == 0, old + " times");
        long fresh = story.reverted().threads().stream()
                .mapToLong(ThreadCount::newCode)
                .sum();
        check("no thread ran the new code after the revert", fresh == 0, fresh + " times");
    }

    void requests(String what, LoadCounts counts) {
        check(
                what + ": no error, no connection lost",
                counts.total() > 0 && counts.errors() == 0 && counts.reconnects() == 0,
                "%d sent, %d errors, %d reconnects%s"
                        .formatted(
                                counts.total(),
                                counts.errors(),
                                counts.reconnects(),
                                counts.firstError().isEmpty() ? "" : ": " + counts.firstError()));
    }

    void process(Report.ProcessIdentity process) {
        check(
                "the same process: id and start time",
                process.samePid() && process.sameStartTime(),
                process.samePid() && process.sameStartTime() ? "yes" : "no");
        check(
                "its data",
                process.keysBefore() == process.keysAfter() && process.keysAfter() > 0,
                "%d keys before, %d after".formatted(process.keysBefore(), process.keysAfter()));
    }

    void interrupted(long interrupted) {
        check("no system call was interrupted while it was measured", interrupted == 0, Long.toString(interrupted));
    }

    /** What can not be told on this machine is neither claimed nor denied; the report has the figures. */
    void latency(Comparison comparison) {
        if (comparison.verdict() != Verdict.NOT_MEASURABLE) {
            check(
                    String.format(Locale.ROOT, "P99.5 of local migration within %.2f of undisturbed", comparison.bar()),
                    comparison.verdict() == Verdict.MET,
                    String.format(
                            Locale.ROOT,
                            "%.3f (%.3f … %.3f)",
                            comparison.local().estimate(),
                            comparison.local().low(),
                            comparison.local().high()));
        }
        check(
                "P99.5 of local migration below that of stopping all threads",
                comparison.local().high() < comparison.global().low(),
                String.format(
                        Locale.ROOT,
                        "%.3f, %.3f",
                        comparison.local().estimate(),
                        comparison.global().estimate()));
    }

    void kernelLog(boolean clean) {
        check("the kernel has nothing to complain of", clean, clean ? "log clean" : "see the kernel log");
    }

    private void check(String name, boolean held, String found) {
        checks.add(new Report.Check(name, held, found));
    }

    static Map<Integer, ThreadCount> byThread(List<ThreadCount> threads) {
        return threads.stream().collect(Collectors.toMap(ThreadCount::tid, Function.identity()));
    }
}

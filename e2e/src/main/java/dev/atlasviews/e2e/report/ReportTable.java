// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.report;

import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Ratio;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Lays a {@link Report} out as tables for a terminal of 100 columns. */
public final class ReportTable {
    private ReportTable() {}

    /** The lines to print. */
    public static List<String> lines(Report report) {
        List<String> lines = new ArrayList<>();
        addThreads(lines, report);
        addLatencies(lines, report);
        addChecks(lines, report);
        return lines;
    }

    private static void addThreads(List<String> lines, Report report) {
        lines.add(String.format(
                Locale.ROOT,
                "%-8s %-16s %18s %15s %15s",
                "thread",
                "name",
                "view (patch, after)",
                "new code runs",
                "old code runs"));
        for (var row : report.threadTable()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%-8d %-16s %6d → %-3d → %-5d %15d %15d",
                    row.tid(),
                    row.name(),
                    row.viewBefore(),
                    row.viewPatched(),
                    row.viewReverted(),
                    row.newCodeRuns(),
                    row.oldCodeRuns()));
        }
        lines.add("");
    }

    private static void addLatencies(List<String> lines, Report report) {
        lines.add(String.format(
                Locale.ROOT, "%-34s %10s %10s %10s %10s", "latency, ms", "P50", "P99", "P99.5", "longest"));
        lines.add(latency("undisturbed", report.latencyMillis().undisturbed()));
        lines.add(latency("local: each thread by itself", report.latencyMillis().local()));
        lines.add(latency("global: all threads stopped", report.latencyMillis().global()));
        var comparison = report.comparison();
        if (comparison != null) {
            lines.add("");
            lines.add(String.format(
                    Locale.ROOT,
                    "%-34s %10s %22s",
                    "P%s ÷ undisturbed".formatted(comparison.percentile()),
                    "ratio",
                    "95 % interval"));
            lines.add(ratio("undisturbed again (A/A)", comparison.noise()));
            lines.add(ratio("local", comparison.local()));
            lines.add(ratio("global", comparison.global()));
            lines.add(String.format(
                    Locale.ROOT,
                    "bar for local: %.2f — %s (%d windows of each)",
                    comparison.bar(),
                    comparison.verdict().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    comparison.blocks()));
        }
        lines.add("");
    }

    private static void addChecks(List<String> lines, Report report) {
        for (var check : report.checks()) {
            lines.add((check.held() ? "  ✓ " : "  ✗ ") + check.name() + ": " + check.found());
        }
    }

    private static String latency(String name, Quantiles q) {
        return String.format(
                Locale.ROOT, "%-34s %10.2f %10.2f %10.2f %10.2f", name, q.p50(), q.p99(), q.p995(), q.max());
    }

    private static String ratio(String name, Ratio ratio) {
        return String.format(
                Locale.ROOT, "%-34s %10.3f %10.3f … %.3f", name, ratio.estimate(), ratio.low(), ratio.high());
    }
}

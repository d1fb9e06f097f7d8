// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.measure.Ratio;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** The results of all servers as a page for people. */
final class LatencyTable {
    private LatencyTable() {}

    /** The whole page. */
    static String of(final List<ServerLatency> all) {
        final StringBuilder text = new StringBuilder(4096);
        text.append("""
            # Latency of servers while they are patched

            Written by `e2e/latency/run`; `server-latency.json` has the same for programs. Do not edit.

            ![P99.5 while patched, divided by P99.5 undisturbed](server-latency.png)

            Each server is the program of Debian's package without one security fix, or Debian's program as it is with a
            library without one (`e2e/latency/*.yaml` says which, and which load). It answers requests that leave at times
            fixed before; a latency is counted from the time at which the request was meant to leave. In windows whose
            conditions alternate, nothing happens, or the fix goes in and out again: *local*, each thread at its own time,
            or *global* (`scope: Process`), all threads of a process stopped and moved at once. Each time it goes to all
            processes that the server has by then, those that it started for a connection included. The ratio is of P99.5
            to that of the undisturbed window of the same block, with its 95 % interval by bootstrap. The bar is 1.05:
            *met* when the upper end is within it plus half the width of A/A (undisturbed against undisturbed); when A/A
            is wider than 0.1 it is *not measurable here*.

            All of it, server, load and engine, has one processor, emulated, under Debian's stock kernel. Its clock goes on
            by a nanosecond with each instruction: what else the host does is not in these numbers, and caches are not; what
            is in them is every instruction that kernel, module and engine take while a request waits. The engine runs as
            the agent's image starts it, when nobody else wants the processor (SCHED_IDLE). What the module counts is how
            long threads were kept from running by their own checks (local) and at the gate (global).

            *libpulp* is the same fix as one of its live patches, which `ulp trigger` applies and reverts. It can do so only
            in processes that were started with its library preloaded, and in libraries that were compiled and
            post-processed for it. Debian's servers and libraries are neither, so that there is this condition only where
            the server says so: a process of Debian sid, which has libpulp, with a library built for this; its other
            conditions are of the same process. `ulp` runs with everybody's priority, as when somebody types it. It stops
            all threads with ptrace while one of them writes the jumps, and does not look where they are: a thread in an old
            function goes on in it, and what it calls from there is new. Local and global move no thread that is in a
            function of the fix. How long libpulp keeps threads from running is not among what the module counts.

            | server | load | versions | threads | patched and reverted | threads that had the fix, summed | requests | errors | lost connections |
            |---|---|---|---|---|---|---|---|---|
            """);
        all.forEach(
                result -> text.append("| %s | %s; %d/s over %d connections | %s | %d in %d | %s | %d | %d | %d | %d |\n"
                        .formatted(
                                result.server(),
                                result.description(),
                                result.rate(),
                                result.connections(),
                                result.version(),
                                result.threads(),
                                result.processes(),
                                applies(result),
                                result.patched(),
                                result.requests().total(),
                                result.requests().errors(),
                                result.requests().reconnects())));
        text.append("\n| server | milliseconds | P50 | P99 | P99.5 | longest | P99.5 ÷ undisturbed | the bar |\n");
        text.append("|---|---|---|---|---|---|---|---|\n");
        all.forEach(result -> text.append(latencies(result)));
        text.append("\n| server | kept from running: local, in all | at most | global, in all | at most |\n");
        text.append("|---|---|---|---|---|\n");
        all.forEach(result -> text.append(String.format(
                Locale.ROOT,
                "| %s | %.2f ms | %.3f ms | %.1f ms | %.1f ms |\n",
                result.server(),
                result.held().localNanosTotal() / 1e6,
                result.held().localNanosMax() / 1e6,
                result.held().globalNanosTotal() / 1e6,
                result.held().globalNanosMax() / 1e6)));
        text.append("\n"
                + "No patch and no revert of either kind failed or ran into its deadline: a server of which one"
                + " does has no entry here.\n");
        return text.toString();
    }

    private static String applies(final ServerLatency result) {
        return "%d × local, %<d × global".formatted(result.applies())
                + (result.comparison().libpulp() == null ? "" : ", %d × libpulp".formatted(result.applies()));
    }

    private static String latencies(final ServerLatency result) {
        final StringBuilder rows = new StringBuilder(512);
        for (final Condition condition : Condition.values()) {
            final Quantiles quantiles = result.latencyMillis().get(condition);
            if (quantiles != null) {
                rows.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %.2f | %.2f | %.2f | %.2f | %s | %s |\n",
                        result.server(),
                        LatencyReport.name(condition),
                        quantiles.p50(),
                        quantiles.p99(),
                        quantiles.p995(),
                        quantiles.max(),
                        switch (condition) {
                            case UNDISTURBED -> "";
                            case CONTROL -> ratio(result.comparison().noise());
                            case LOCAL -> ratio(result.comparison().local());
                            case GLOBAL -> ratio(result.comparison().global());
                            case LIBPULP ->
                                ratio(Objects.requireNonNull(result.comparison().libpulp()));
                        },
                        condition == Condition.LOCAL ? verdict(result) : ""));
            }
        }
        return rows.toString();
    }

    private static String verdict(final ServerLatency result) {
        return switch (result.comparison().verdict()) {
            case MET -> "met";
            case NOT_MET -> "not met";
            case NOT_MEASURABLE -> "not measurable here";
        };
    }

    private static String ratio(final Ratio ratio) {
        return String.format(Locale.ROOT, "%.2f (%.2f … %.2f)", ratio.estimate(), ratio.low(), ratio.high());
    }
}

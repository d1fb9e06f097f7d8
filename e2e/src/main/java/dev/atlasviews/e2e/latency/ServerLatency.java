// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.latency;

import dev.atlasviews.e2e.load.LoadCounts;
import dev.atlasviews.e2e.measure.Comparison;
import dev.atlasviews.e2e.measure.Condition;
import dev.atlasviews.e2e.measure.Quantiles;
import dev.atlasviews.e2e.report.Report;
import java.util.Map;

/**
 * What was measured of one server.
 *
 * @param server the recipe's name
 * @param description what serves what
 * @param version the packages of server and fix, with their versions
 * @param fix that went in and out
 * @param kernel release of the machine's kernel
 * @param rate requests per second
 * @param connections that shared the rate
 * @param processes the server had at the end, under load
 * @param threads they had
 * @param applies how often the fix went in, and out again, in the windows of either kind
 * @param patched how many threads ran with the fix, summed over all times it went in, warm-up included
 * @param requests what became of the requests
 * @param latencyMillis of the requests of each condition
 * @param comparison P99.5 by windows
 * @param held how long threads were kept from running, over all processes and applies, warm-up included
 */
record ServerLatency(
        String server,
        String description,
        String version,
        String fix,
        String kernel,
        int rate,
        int connections,
        int processes,
        int threads,
        int applies,
        long patched,
        LoadCounts requests,
        Map<Condition, Quantiles> latencyMillis,
        Comparison comparison,
        Report.Held held) {}

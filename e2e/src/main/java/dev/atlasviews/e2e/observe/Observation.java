// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.e2e.observe;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A process at one instant.
 *
 * @param startTime clock ticks after the node's boot at which it started
 * @param residentKib its resident memory, in KiB
 * @param threads its threads
 * @param stats the kernel module's counters, by the names of {@code struct atlas_stats}
 */
public record Observation(long startTime, long residentKib, List<ThreadCount> threads, Map<String, Long> stats) {
    /** Takes copies. */
    public Observation {
        threads = List.copyOf(threads);
        stats = Map.copyOf(stats);
    }

    /** One of the module's counters. */
    public long stat(String name) {
        var value = stats.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no such counter: " + name);
        }
        return value;
    }

    /** System calls that were cut short, of all threads. */
    public long interrupted() {
        return threads.stream().mapToLong(ThreadCount::interrupted).sum();
    }

    static Observation parse(List<String> lines) {
        long startTime = 0;
        long resident = 0;
        var threads = new ArrayList<ThreadCount>();
        var stats = new HashMap<String, Long>();
        for (var line : lines) {
            var fields = line.split(" ", -1);
            switch (fields[0]) {
                case "process" -> {
                    startTime = Long.parseLong(fields[1]);
                    resident = Long.parseLong(fields[2]);
                }
                case "thread" -> threads.add(ThreadCount.parse(line));
                case "stats" -> stats.put(fields[1], Long.parseLong(fields[2]));
                default -> throw new IllegalArgumentException("not a line of an observation: " + line);
            }
        }
        return new Observation(startTime, resident, threads, stats);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.views;

import java.util.List;

/**
 * Counters of a process since it got its first view; times in nanoseconds. See {@code struct atlas_stats}.
 *
 * @param viewsCreated views created
 * @param creationAllocations pages allocated by the last creation
 * @param creationEntries page-table entries written by it
 * @param moves threads moved
 * @param stays checked migrations that stayed
 * @param rootLoads times a view's root was loaded
 * @param rootFlushes flushes on leaving a view's root
 * @param faults page faults resolved by filling a private table
 * @param faultRetries fills that met an invalidation
 * @param invalidations notifier calls that cleared something
 * @param checks conservative checks that threads ran
 * @param checkNanosTotal time they spent in them
 * @param checkNanosMax the longest
 * @param heldNanosTotal time that threads were held by a freeze
 * @param heldNanosMax the longest
 * @param eventsLost events that found no room
 * @param retainedBytes areas mapped by the module
 * @param pages diverged pages and private tables now alive
 */
public record ProcessStats(
        long viewsCreated,
        long creationAllocations,
        long creationEntries,
        long moves,
        long stays,
        long rootLoads,
        long rootFlushes,
        long faults,
        long faultRetries,
        long invalidations,
        long checks,
        long checkNanosTotal,
        long checkNanosMax,
        long heldNanosTotal,
        long heldNanosMax,
        long eventsLost,
        long retainedBytes,
        long pages) {
    static final List<String> FIELDS = List.of(
            "views_created",
            "view_creation_allocations",
            "view_creation_entries",
            "moves",
            "stays",
            "root_loads",
            "root_flushes",
            "faults",
            "fault_retries",
            "invalidations",
            "checks",
            "check_ns_total",
            "check_ns_max",
            "held_ns_total",
            "held_ns_max",
            "events_lost",
            "retained_bytes",
            "pages");

    static ProcessStats from(final Struct stats) {
        return new ProcessStats(
                stats.getLong("views_created"),
                stats.getLong("view_creation_allocations"),
                stats.getLong("view_creation_entries"),
                stats.getLong("moves"),
                stats.getLong("stays"),
                stats.getLong("root_loads"),
                stats.getLong("root_flushes"),
                stats.getLong("faults"),
                stats.getLong("fault_retries"),
                stats.getLong("invalidations"),
                stats.getLong("checks"),
                stats.getLong("check_ns_total"),
                stats.getLong("check_ns_max"),
                stats.getLong("held_ns_total"),
                stats.getLong("held_ns_max"),
                stats.getLong("events_lost"),
                stats.getLong("retained_bytes"),
                stats.getLong("pages"));
    }
}

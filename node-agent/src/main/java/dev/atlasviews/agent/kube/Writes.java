// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how often the status of one PodView is written. What became of a layer is told at once, unless that goes on and on;
 * numbers are told now and then.
 */
final class Writes {
    /** So many in a row are free: patching a pod takes fewer. */
    private static final int BURST = 10;
    /** What is not told at once is told after this. */
    private static final Duration IN_MOTION = Duration.ofSeconds(1);
    /** While nothing moves, numbers change because the program starts and ends threads. */
    private static final Duration SETTLED = Duration.ofMinutes(1);

    private int free = BURST;
    private @Nullable Duration last;

    /**
     * Whether a status is to be written now; if so, it counts as written.
     *
     * @param news what it tells
     * @param inMotion whether threads are on their way
     * @param uptime the time since some event before, on a clock that nobody sets
     */
    boolean due(final News news, final boolean inMotion, final Duration uptime) {
        final Duration quiet = last == null ? SETTLED : uptime.minus(last);
        final boolean due = switch (news) {
            case NONE -> false;
            case NUMBERS -> quiet.compareTo(inMotion ? IN_MOTION : SETTLED) >= 0;
            case STATES -> free > 0 || quiet.compareTo(IN_MOTION) >= 0;
        };
        if (due) {
            free = Math.max(0, (quiet.compareTo(SETTLED) >= 0 ? BURST : free) - 1);
            last = uptime;
        }
        return due;
    }
}

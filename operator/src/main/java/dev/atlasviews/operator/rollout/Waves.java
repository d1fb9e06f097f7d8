// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.rollout;

import dev.atlasviews.crds.Rollout;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How many pods each wave of a rollout may have. */
final class Waves {
    private static final int PERCENT = 100;

    private Waves() {}

    /**
     * How many pods may have the change once a wave has begun.
     *
     * @param rollout the steps
     * @param wave the wave, from 1 on
     * @param before how many were allowed before it
     * @param selected how many pods there are
     * @return the number, at least one more than before while an int can say that; null for all, those that come while it
     *     lasts included, which is what 100% means
     */
    static @Nullable Integer released(final Rollout rollout, final int wave, final int before, final int selected) {
        final IntOrString size =
                wave == 1 ? Objects.requireNonNullElse(rollout.canary(), rollout.wave()) : rollout.wave();
        return isAll(size) ? null : (Integer) (int) Math.min(Integer.MAX_VALUE, (long) before + pods(size, selected));
    }

    private static boolean isAll(final IntOrString size) {
        return size.getIntVal() == null && percent(size) == PERCENT;
    }

    /** A part of a pod is a pod. */
    private static int pods(final IntOrString size, final int selected) {
        final Integer number = size.getIntVal();
        if (number != null) {
            return number;
        }
        return Math.toIntExact(Math.max(1, (selected * percent(size) + PERCENT - 1) / PERCENT));
    }

    private static long percent(final IntOrString size) {
        final String text = size.getStrVal();
        return Long.parseLong(text.substring(0, text.length() - 1));
    }
}

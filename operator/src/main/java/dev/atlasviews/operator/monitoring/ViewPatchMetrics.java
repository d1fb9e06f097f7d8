// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.operator.monitoring;

import dev.atlasviews.crds.PodCounts;
import dev.atlasviews.crds.RolloutPhase;
import dev.atlasviews.crds.ThreadCounts;
import dev.atlasviews.crds.ViewPatch;
import dev.atlasviews.crds.ViewPatchStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * Counts ViewPatches, and the pods and threads of all of them, by what became of them. Labels have no names of objects in
 * them: their number is fixed.
 */
public final class ViewPatchMetrics {
    private static final List<String> CONDITIONS = List.of("Accepted", "Progressing", "Applied", "Degraded");
    private static final List<String> STATUSES = List.of("True", "False", "Unknown");

    private final Supplier<? extends Collection<ViewPatch>> patches;

    /**
     * Metrics that are counted whenever they are asked for.
     *
     * @param patches all ViewPatches, from memory
     */
    public ViewPatchMetrics(final Supplier<? extends Collection<ViewPatch>> patches) {
        this.patches = patches;
    }

    /** Puts them into a registry. */
    public void bindTo(final MeterRegistry registry) {
        for (final String type : CONDITIONS) {
            for (final String status : STATUSES) {
                gauge(
                        registry,
                        "atlas.viewpatches",
                        Tags.of("condition", type, "status", status),
                        patch -> has(patch, type, status) ? 1 : 0);
            }
        }
        for (final RolloutPhase phase : RolloutPhase.values()) {
            gauge(
                    registry,
                    "atlas.viewpatch.rollouts",
                    Tags.of("phase", lower(phase)),
                    patch -> patch.rollout() != null && patch.rollout().phase() == phase ? 1 : 0);
        }
        pods(registry, "applied", PodCounts::applied);
        pods(registry, "progressing", PodCounts::progressing);
        pods(registry, "nothing_to_do", PodCounts::nothingToDo);
        pods(registry, "refused", PodCounts::refused);
        pods(registry, "reverted", PodCounts::reverted);
        pods(registry, "waiting", PodCounts::waiting);
        pods(registry, "unreachable", PodCounts::unreachable);
        threads(registry, "selected", ThreadCounts::total);
        threads(registry, "moved", ThreadCounts::moved);
        threads(registry, "held", ThreadCounts::held);
    }

    private void pods(final MeterRegistry registry, final String outcome, final ToIntFunction<PodCounts> count) {
        gauge(registry, "atlas.viewpatch.pods", Tags.of("outcome", outcome), status -> {
            final PodCounts pods = status.pods();
            return pods == null ? 0 : count.applyAsInt(pods);
        });
    }

    private void threads(final MeterRegistry registry, final String state, final ToIntFunction<ThreadCounts> count) {
        gauge(registry, "atlas.viewpatch.threads", Tags.of("state", state), status -> {
            final ThreadCounts threads = status.threads();
            return threads == null ? 0 : count.applyAsInt(threads);
        });
    }

    private void gauge(
            final MeterRegistry registry,
            final String name,
            final Tags tags,
            final ToIntFunction<ViewPatchStatus> count) {
        // Nobody else keeps what the registry asks.
        Gauge.builder(
                        name,
                        patches,
                        source -> source.get().stream()
                                .map(ViewPatch::getStatus)
                                .filter(Objects::nonNull)
                                .mapToInt(count)
                                .sum())
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    private static boolean has(final ViewPatchStatus status, final String type, final String value) {
        for (final Condition condition : status.conditions()) {
            if (condition.getType().equals(type)) {
                return condition.getStatus().equals(value);
            }
        }
        return false;
    }

    private static String lower(final RolloutPhase phase) {
        return phase.name().toLowerCase(Locale.ROOT);
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.crds.LayerState;
import dev.atlasviews.crds.PodView;
import dev.atlasviews.crds.PodViewStatus;
import dev.atlasviews.crds.PodViewSummary;
import dev.atlasviews.crds.ThreadCounts;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * Counts the PodViews of a node, and the processes and threads of all of them, by what was last reported of them. Labels have
 * no names of objects in them: their number is fixed.
 */
final class AgentMetrics {
    private final MeterRegistry registry;
    private final Supplier<? extends Collection<PodView>> podViews;

    /** Metrics that are counted whenever they are asked for, from the PodViews that are kept in memory. */
    AgentMetrics(final MeterRegistry registry, final Supplier<? extends Collection<PodView>> podViews) {
        this.registry = registry;
        this.podViews = podViews;
    }

    /** Puts them into the registry. */
    void bind(final BooleanSupplier moduleLoaded) {
        Gauge.builder("atlas.agent.module.loaded", moduleLoaded, loaded -> loaded.getAsBoolean() ? 1 : 0)
                .strongReference(true)
                .register(registry);
        for (final LayerState state : LayerState.values()) {
            gauge(
                    "atlas.agent.podviews",
                    Tags.of("state", state.name().toLowerCase(Locale.ROOT)),
                    summary -> summary.state() == state ? 1 : 0);
        }
        gauge("atlas.agent.processes", Tags.empty(), PodViewSummary::processes);
        threads("selected", ThreadCounts::total);
        threads("moved", ThreadCounts::moved);
        threads("held", ThreadCounts::held);
    }

    private void threads(final String state, final ToIntFunction<ThreadCounts> count) {
        gauge("atlas.agent.threads", Tags.of("state", state), summary -> count.applyAsInt(summary.threads()));
    }

    private void gauge(final String name, final Tags tags, final ToIntFunction<PodViewSummary> count) {
        Gauge.builder(
                        name,
                        this,
                        metrics -> metrics.summaries().stream().mapToInt(count).sum())
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    private List<PodViewSummary> summaries() {
        return podViews.get().stream()
                .map(PodView::getStatus)
                .filter(Objects::nonNull)
                .map(PodViewStatus::summary)
                .toList();
    }
}

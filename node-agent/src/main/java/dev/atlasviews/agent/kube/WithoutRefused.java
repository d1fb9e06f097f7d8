// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Layer;
import dev.atlasviews.agent.engine.LayerOrder;
import dev.atlasviews.agent.engine.ProcessReport;
import dev.atlasviews.crds.LayerReason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reconciles a process with those of its layers that it does not refuse, so that a layer that can not be had keeps no
 * other from coming or going. A layer that the process has is not left out, for that would take it back: unless its threads
 * were still on their way to it, as what can not be had in full is had by none.
 */
final class WithoutRefused {
    private final Set<String> had;
    private final Set<String> settled;
    private final Map<String, Refusal> refusals = new HashMap<>();

    /** Why a layer was left out. */
    record Refusal(String reason, String message) {}

    /** One try. */
    @FunctionalInterface
    interface Try {
        ProcessReport with(List<Layer> layers) throws IOException;
    }

    /**
     * For one pass.
     *
     * @param had digests of the layers of the process' views
     * @param underWay digests of layers to which threads are still on their way
     */
    WithoutRefused(final Set<String> had, final Set<String> underWay) {
        this.had = Set.copyOf(had);
        this.settled = had.stream().filter(digest -> !underWay.contains(digest)).collect(Collectors.toSet());
    }

    /** Tries with ever fewer layers; what is refused in the end can not be done without. */
    ProcessReport reconcile(final List<Layer> layers, final Try once) throws IOException {
        final List<Layer> rest = new ArrayList<>(layers);
        ProcessReport report = once.with(rest);
        while (report.state() == ProcessReport.State.REFUSED) {
            final List<String> candidates = report.refused();
            // What no thread has goes first.
            final Optional<String> refused =
                    dispensable(candidates, rest, had).or(() -> dispensable(candidates, rest, settled));
            // In a view that is not known there may be any layer.
            if (refused.isEmpty() || report.threads().stream().anyMatch(thread -> thread.stack() == null)) {
                return report;
            }
            final Set<String> out = LayerOrder.withBasedOn(refused.get(), rest);
            for (final String digest : out) {
                refusals.put(digest, digest.equals(refused.get()) ? direct(report) : indirect(refused.get()));
            }
            rest.removeIf(layer -> out.contains(layer.digest()));
            report = once.with(rest);
        }
        return report;
    }

    /** Why this layer was left out; empty if it was not. */
    Optional<Refusal> refusal(final String digest) {
        return Optional.ofNullable(refusals.get(digest));
    }

    private static Optional<String> dispensable(
            final List<String> refused, final List<Layer> layers, final Set<String> staying) {
        return refused.stream()
                .filter(digest ->
                        layers.stream().anyMatch(layer -> layer.digest().equals(digest)))
                .filter(digest ->
                        LayerOrder.withBasedOn(digest, layers).stream().noneMatch(staying::contains))
                .findFirst();
    }

    private static Refusal direct(final ProcessReport report) {
        return new Refusal(report.reason(), report.message());
    }

    private static Refusal indirect(final String base) {
        return new Refusal(
                LayerReason.CONFLICT.value(), "it is based on patch %s, which is refused itself".formatted(base));
    }
}

// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import dev.atlasviews.agent.engine.Desired;
import dev.atlasviews.agent.patch.Patch;
import dev.atlasviews.crds.ContainerLayers;
import dev.atlasviews.crds.DesiredState;
import dev.atlasviews.crds.Digest;
import dev.atlasviews.crds.Layer;
import dev.atlasviews.crds.LayerReason;
import dev.atlasviews.crds.LayerStatus;
import dev.atlasviews.crds.OnDeadline;
import dev.atlasviews.crds.ProcessStatus;
import dev.atlasviews.logging.LogFields;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one pass over a process is to do with the layers of its container. For the process there is one layer for each
 * patch, however many of the container's layers name it.
 */
final class LayerPlan {
    private static final Logger LOG = LoggerFactory.getLogger(LayerPlan.class);

    private final ContainerLayers container;
    private final Source patches;
    private final PresentLayers present;
    private final Optional<ProcessStatus> last;
    private final Instant now;
    private final Waits waits;
    private final Map<String, dev.atlasviews.agent.engine.Layer> wanted = new LinkedHashMap<>();
    private final Map<String, dev.atlasviews.agent.engine.Layer> leaving = new LinkedHashMap<>();
    private final Map<Layer, dev.atlasviews.agent.engine.Layer> observed = new HashMap<>();
    private final Map<Layer, LayerStatus> decided = new HashMap<>();
    /** One answer for the whole pass, in which time goes by. */
    private final Map<Layer, Boolean> expired = new HashMap<>();
    /** Names of the wanted layers whose patches can not be had. */
    private final Set<String> missing = new HashSet<>();

    /** Where patches come from. */
    interface Source {
        /** The layer with its patch. */
        dev.atlasviews.agent.engine.Layer fetch(Layer layer) throws IOException, Artifacts.ArtifactException;

        /** Fails where nobody vouches for a patch that a process is to get. */
        void verify(Layer layer, Patch patch) throws IOException, Artifacts.ArtifactException;
    }

    private LayerPlan(
            final ContainerLayers container,
            final Source patches,
            final PresentLayers present,
            final Optional<ProcessStatus> last,
            final Waits waits) {
        this.container = container;
        this.patches = patches;
        this.present = present;
        this.last = last;
        this.waits = waits;
        this.now = waits.now();
    }

    static LayerPlan of(
            final ContainerLayers container,
            final Optional<ProcessStatus> last,
            final Waits waits,
            final Source patches,
            final PresentLayers present)
            throws IOException {
        final LayerPlan plan = new LayerPlan(container, patches, present, last, waits);
        for (final Layer layer : container.layers()) {
            if (plan.isWanted(layer)) {
                plan.want(layer);
            }
        }
        for (final Layer layer : container.layers()) {
            if (plan.isWanted(layer)) {
                continue;
            }
            if (layer.desired() == DesiredState.OBSERVED) {
                plan.observe(layer);
            } else if (container.layers().stream()
                    .anyMatch(other -> plan.isWanted(other) && other.digest().equals(layer.digest()))) {
                plan.decided.put(layer, LayerStates.keptByAnother(layer, plan.isExpired(layer), plan.now));
            } else {
                plan.leave(layer);
            }
        }
        return plan;
    }

    /** When the pass began. */
    Instant now() {
        return now;
    }

    /** The layers that threads should have, in the container's order. */
    List<dev.atlasviews.agent.engine.Layer> wanted() {
        return container.layers().stream()
                .map(layer -> layer.digest().hex())
                .distinct()
                .flatMap(digest -> Optional.ofNullable(wanted.get(digest)).stream())
                .toList();
    }

    /** The layers that threads should not have any more, as far as their patches are known. */
    List<dev.atlasviews.agent.engine.Layer> leaving() {
        return leaving.entrySet().stream()
                .filter(layer -> !wanted.containsKey(layer.getKey()))
                .map(Map.Entry::getValue)
                .toList();
    }

    /** What has to move together for layers that are taken back without their patches; the others say so themselves. */
    Desired.Scope scopeOfLost() throws IOException {
        final List<String> lost = present.lost();
        return container.layers().stream()
                        .filter(layer -> layer.desired() == DesiredState.ABSENT
                                && lost.contains(layer.digest().hex()))
                        .anyMatch(layer -> Artifacts.scope(layer) == Desired.Scope.PROCESS)
                ? Desired.Scope.PROCESS
                : Desired.Scope.THREAD;
    }

    /** Whether nothing is to be changed, in a process that never had a layer. */
    boolean onlyObserves() {
        return wanted.isEmpty() && complete() && leaving.size() == observed.size() && !observed.isEmpty();
    }

    /** What a layer would change; empty for one that is more than observed. */
    Optional<dev.atlasviews.agent.engine.Layer> observed(final Layer layer) {
        return Optional.ofNullable(observed.get(layer));
    }

    /** The layers that threads should have, and those that are to be told of only; of each patch one. */
    List<dev.atlasviews.agent.engine.Layer> wantedOrObserved() {
        final Map<String, dev.atlasviews.agent.engine.Layer> layers = new HashMap<>();
        observed.values().forEach(layer -> layers.merge(layer.digest(), layer, LayerPlan::both));
        layers.putAll(wanted);
        return List.copyOf(layers.values());
    }

    /** Whether the patch of each wanted layer is there. */
    boolean complete() {
        return missing.isEmpty();
    }

    /** Whether a layer that the process has, and whose patch can not be had, is to stay, as nobody ordered it to go. */
    boolean keeps(final String digest) {
        final List<Layer> listed = container.layers().stream()
                .filter(layer -> layer.digest().hex().equals(digest))
                .toList();
        return !wanted.containsKey(digest)
                && (listed.isEmpty() || listed.stream().anyMatch(layer -> isWanted(layer) || isAwaitingNext(layer)));
    }

    /** The status of a layer that no try can change. */
    Optional<LayerStatus> decided(final Layer layer) {
        return Optional.ofNullable(decided.get(layer));
    }

    /** Whether threads should have the layer. */
    boolean isWanted(final Layer layer) {
        return layer.desired() == DesiredState.PRESENT && !isExpired(layer);
    }

    /**
     * Whether the layer's time is over, now or at an earlier try: what was taken back for that is not tried again, until
     * somebody asks for it otherwise.
     */
    boolean isExpired(final Layer layer) {
        return expired.computeIfAbsent(layer, this::expires);
    }

    private boolean expires(final Layer layer) {
        final Optional<LayerStatus> before = before(layer);
        if (layer.desired() != DesiredState.PRESENT || before.isEmpty()) {
            return false;
        }
        final LayerStatus status = before.get();
        return switch (status.state()) {
            case APPLYING ->
                !LayerStates.isFetching(status)
                        && layer.quiescence().onDeadline() == OnDeadline.REVERT
                        && waits.since(status.since()).toSeconds()
                                >= layer.quiescence().deadlineSeconds();
            // Not where it was ordered, by somebody who has changed his mind since.
            case REVERTING, REVERTED -> LayerStates.isEndedByDeadline(status, layer);
            case NOTHING_TO_DO, OBSERVED, APPLIED, REFUSED -> false;
        };
    }

    /** Digests of the wanted layers to which the threads were on their way, or on their way back, after the last pass. */
    Set<String> underWay() {
        final Set<String> moving = new HashSet<>();
        final Set<String> others = new HashSet<>();
        container.layers().stream()
                .filter(this::isWanted)
                .forEach(layer -> (before(layer).filter(LayerStates::isMoving).isPresent() ? moving : others)
                        .add(layer.digest().hex()));
        moving.removeAll(others);
        return moving;
    }

    /** What the last pass said of the layer. */
    Optional<LayerStatus> before(final Layer layer) {
        return before(layer, last);
    }

    static Optional<LayerStatus> before(final Layer layer, final Optional<ProcessStatus> last) {
        return before(layer.name(), layer.digest(), last);
    }

    /** What the last pass said of the layer with that name and digest. */
    static Optional<LayerStatus> before(final String name, final Digest digest, final Optional<ProcessStatus> last) {
        return last.stream()
                .flatMap(status -> status.layers().stream())
                .filter(status -> status.name().equals(name) && status.digest().equals(digest))
                .findFirst();
    }

    private void want(final Layer layer) throws IOException {
        final dev.atlasviews.agent.engine.Layer change;
        try {
            change = patches.fetch(layer);
        } catch (final Artifacts.ArtifactException e) {
            missing.add(layer.name());
            refuse(layer, e);
            return;
        }
        // What threads have they keep: that a signature ends or a key goes brings no fault back.
        if (present.digests().contains(layer.digest().hex()) || isVouchedFor(layer, change)) {
            wanted.merge(layer.digest().hex(), change, LayerPlan::both);
        }
    }

    /** What is only observed and was applied before is taken back, unless another layer wants it. */
    private void observe(final Layer layer) throws IOException {
        try {
            final dev.atlasviews.agent.engine.Layer change = patches.fetch(layer);
            observed.put(layer, change);
            leaving.merge(layer.digest().hex(), change, LayerPlan::both);
            isVouchedFor(layer, change);
        } catch (final Artifacts.ArtifactException e) {
            refuse(layer, e);
        }
    }

    /** Else the layer is refused, or has to wait. */
    private boolean isVouchedFor(final Layer layer, final dev.atlasviews.agent.engine.Layer change) throws IOException {
        try {
            patches.verify(layer, change.patch());
            return true;
        } catch (final Artifacts.ArtifactException e) {
            refuse(layer, e);
            return false;
        }
    }

    private void refuse(final Layer layer, final Artifacts.ArtifactException e) {
        final String message = String.valueOf(e.getMessage());
        decided.put(
                layer,
                e.reason() == LayerReason.FETCHING_PATCH
                        ? LayerStates.fetching(layer, message, now)
                        : LayerStates.refused(layer, e.reason().value(), message, now));
    }

    /** Whether a layer goes only to make room for another change of its ViewPatch, which can not be had yet. */
    private boolean isAwaitingNext(final Layer layer) {
        return layer.desired() == DesiredState.ABSENT && missing.contains(layer.name());
    }

    /** What is to be taken back is, with its patch or without it. */
    private void leave(final Layer layer) throws IOException {
        try {
            final dev.atlasviews.agent.engine.Layer change = patches.fetch(layer);
            final boolean stays = isAwaitingNext(layer)
                    && present.digests().contains(layer.digest().hex());
            (stays ? wanted : leaving).merge(layer.digest().hex(), change, LayerPlan::both);
        } catch (final Artifacts.ArtifactException e) {
            LOG.atInfo()
                    .addKeyValue(LogFields.PATCH, layer.name())
                    .log("{} is taken back without its patch: {}", layer.name(), e.getMessage());
        }
    }

    private static dev.atlasviews.agent.engine.Layer both(
            final dev.atlasviews.agent.engine.Layer one, final dev.atlasviews.agent.engine.Layer other) {
        final List<String> excluded = Stream.concat(one.excluded().stream(), other.excluded().stream())
                .distinct()
                .toList();
        final Desired.Scope scope = one.scope() == Desired.Scope.PROCESS ? one.scope() : other.scope();
        return new dev.atlasviews.agent.engine.Layer(one.patch(), one.threads().or(other.threads()), excluded, scope);
    }
}
